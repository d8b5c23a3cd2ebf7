// The menu bar item of macOS, for `osascript -l JavaScript` (JavaScript for Automation with the Objective-C
// bridge). Speaks the lines of helper-protocol.ts on standard input and output. Not tried on a Mac: written after
// Apple's documentation of AppKit, and tested against a stand-in for the bridge. It decides nothing: a click is an
// id, and what that means is known to the tray alone. `display notification` has no buttons, so answers are in the
// menu; the notification only says that something waits.
ObjC.import('Cocoa');

const protocolVersion = 1;
const glyphs = {
  idle: '\u25CB',
  waiting: '\u25CF',
  warning: '\u25B2',
  paused: '\u2016',
  panic: '\u2298',
  unreachable: '\u2715',
};

const state = { run: '', rest: '', item: null, delegate: null };

function write(fields) {
  const line = JSON.stringify(Object.assign({ v: protocolVersion, run: state.run }, fields)) + '\n';
  const data = $(line).dataUsingEncoding($.NSUTF8StringEncoding);
  $.NSFileHandle.fileHandleWithStandardOutput.writeData(data);
}

function registerDelegate() {
  ObjC.registerSubclass({
    name: 'SallyportTrayDelegate',
    protocols: ['NSMenuDelegate'],
    methods: {
      'clicked:': {
        types: ['void', ['id']],
        implementation: (sender) => write({ type: 'click', id: Number(sender.tag) }),
      },
      'menuWillOpen:': {
        types: ['void', ['id']],
        implementation: () => write({ type: 'menu', open: true }),
      },
      'menuDidClose:': {
        types: ['void', ['id']],
        implementation: () => write({ type: 'menu', open: false }),
      },
      'dataArrived:': {
        types: ['void', ['id']],
        implementation: (notification) => readAvailable(notification.object),
      },
    },
  });
  return $.SallyportTrayDelegate.alloc.init;
}

function buildMenu(entries) {
  const menu = $.NSMenu.alloc.init;
  menu.autoenablesItems = false;
  for (const entry of entries) menu.addItem(buildItem(entry));
  return menu;
}

function buildItem(entry) {
  if (entry.separator) return $.NSMenuItem.separatorItem;
  const isAction = Number.isSafeInteger(entry.id);
  // Without a key equivalent: no key may answer by accident.
  const item = $.NSMenuItem.alloc.initWithTitleActionKeyEquivalent(
    $(entry.label),
    isAction ? 'clicked:' : null,
    $(''),
  );
  if (isAction) {
    item.target = state.delegate;
    item.tag = entry.id;
  }
  item.enabled = isAction || Array.isArray(entry.entries);
  if (Array.isArray(entry.entries)) item.submenu = buildMenu(entry.entries);
  return item;
}

function show(line) {
  const title = (glyphs[line.state] || glyphs.idle) + (line.badge === '' ? '' : ' ' + line.badge);
  state.item.button.title = $(title);
  state.item.button.toolTip = $(line.tooltip);
  const menu = buildMenu(line.menu);
  menu.delegate = state.delegate;
  state.item.menu = menu;
  if (line.notice && line.notice.isNew) notify(line.notice);
}

function notify(notice) {
  try {
    const app = Application.currentApplication();
    app.includeStandardAdditions = true;
    app.displayNotification(notice.body, { withTitle: notice.title });
  } catch (error) {
    write({ type: 'problem', text: 'notifications: ' + error.message });
  }
}

function take(text) {
  const line = JSON.parse(text);
  if (line.v !== protocolVersion || typeof line.run !== 'string') return;
  if (line.type === 'hello') {
    state.run = line.run;
    write({ type: 'ready' });
  }
  if (line.run !== state.run) return;
  if (line.type === 'show') show(line);
  if (line.type === 'close') end();
}

function readAvailable(handle) {
  const data = handle.availableData;
  if (Number(data.length) === 0) return end(); // the tray has gone
  const text = $.NSString.alloc.initWithDataEncoding(data, $.NSUTF8StringEncoding);
  const lines = (state.rest + ObjC.unwrap(text)).split('\n');
  state.rest = lines.pop();
  for (const line of lines) {
    try {
      if (line !== '') take(line);
    } catch (error) {
      write({ type: 'problem', text: String(error.message) });
    }
  }
  void handle.waitForDataInBackgroundAndNotify; // the bridge calls a method without arguments when it is read
}

function end() {
  $.NSStatusBar.systemStatusBar.removeStatusItem(state.item);
  $.NSApplication.sharedApplication.terminate(null);
}

// oxlint-disable-next-line no-unused-vars -- osascript calls it once the file has been read
function run() {
  const app = $.NSApplication.sharedApplication;
  app.setActivationPolicy($.NSApplicationActivationPolicyAccessory);
  state.delegate = registerDelegate();
  state.item = $.NSStatusBar.systemStatusBar.statusItemWithLength($.NSVariableStatusItemLength);
  const input = $.NSFileHandle.fileHandleWithStandardInput;
  $.NSNotificationCenter.defaultCenter.addObserverSelectorNameObject(
    state.delegate,
    'dataArrived:',
    $.NSFileHandleDataAvailableNotification,
    input,
  );
  void input.waitForDataInBackgroundAndNotify;
  void app.run;
}
