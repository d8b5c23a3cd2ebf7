// The helper's script against a stand-in for the Objective-C bridge: the same file that a Mac would run.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { createContext, Script } from 'node:vm';
import { createHelperBook } from '../../../src/tray/helper-protocol.ts';
import { macosHelperFile, openMacosDesktop } from '../../../src/tray/macos.ts';
import { makeModel } from '../../support/tray-models.ts';

interface Item {
  readonly title: string;
  readonly action: string | null;
  readonly isSeparator: boolean;
  tag: number;
  enabled: boolean;
  submenu: Menu | undefined;
}
interface Menu {
  readonly items: Item[];
}
type Methods = Readonly<Record<string, { readonly implementation: (argument: unknown) => void }>>;

/** As much of the bridge as the script touches; `$(text)` wraps, a property without brackets calls. */
function makeBridge() {
  const written: unknown[] = [];
  const notices: unknown[] = [];
  let methods: Methods = {};
  let input = '';
  let isOver = false;
  const statusItem = { button: { title: '', toolTip: '' }, menu: undefined as Menu | undefined };
  const newItem = (title: string, action: string | null): Item => ({
    title,
    action,
    isSeparator: false,
    tag: 0,
    enabled: true,
    submenu: undefined,
  });
  const stdin = {
    get availableData() {
      return { length: input.length, text: input };
    },
    waitForDataInBackgroundAndNotify: undefined,
  };
  const wrap = (value: unknown): unknown =>
    typeof value === 'string'
      ? Object.assign(Object(value) as object, { dataUsingEncoding: () => value })
      : value;
  const bridge = Object.assign(wrap, {
    NSUTF8StringEncoding: 4,
    NSVariableStatusItemLength: -1,
    NSApplicationActivationPolicyAccessory: 1,
    NSFileHandleDataAvailableNotification: 'data',
    NSFileHandle: {
      fileHandleWithStandardOutput: {
        writeData: (text: string) => written.push(JSON.parse(text)),
      },
      fileHandleWithStandardInput: stdin,
    },
    NSString: {
      alloc: { initWithDataEncoding: (data: { readonly text: string }) => data.text },
    },
    NSMenu: {
      get alloc() {
        const items: Item[] = [];
        return { init: { items, addItem: (item: Item) => items.push(item) } };
      },
    },
    NSMenuItem: {
      get separatorItem() {
        return { ...newItem('', null), isSeparator: true };
      },
      alloc: {
        initWithTitleActionKeyEquivalent: (title: string, action: string | null, key: string) => {
          assert.equal(key.valueOf(), '', 'no key answers');
          return newItem(title.valueOf(), action);
        },
      },
    },
    NSStatusBar: {
      systemStatusBar: {
        statusItemWithLength: () => statusItem,
        removeStatusItem: () => undefined,
      },
    },
    NSApplication: {
      sharedApplication: {
        setActivationPolicy: () => true,
        terminate: () => {
          isOver = true;
        },
        run: undefined,
      },
    },
    NSNotificationCenter: {
      defaultCenter: { addObserverSelectorNameObject: () => undefined },
    },
    SallyportTrayDelegate: { alloc: { init: { isDelegate: true } } },
  });
  const globals = createContext({
    $: bridge,
    ObjC: {
      import: () => undefined,
      unwrap: (text: unknown) => String(text),
      registerSubclass: (given: { readonly methods: Methods }) => {
        methods = given.methods;
      },
    },
    Application: {
      currentApplication: () => ({
        displayNotification: (body: string, given: object) => notices.push({ body, ...given }),
      }),
    },
  });
  new Script(readFileSync(macosHelperFile, 'utf8')).runInContext(globals);
  new Script('run()').runInContext(globals);
  const send = (text: string): void => {
    input = text;
    methods['dataArrived:']?.implementation({ object: stdin });
  };
  return {
    send,
    written,
    notices,
    statusItem,
    isOver: () => isOver,
    call: (name: string, argument: unknown) => methods[name]?.implementation(argument),
  };
}

const line = (fields: object): string => `${JSON.stringify({ v: 1, run: 'r1', ...fields })}\n`;
/** Objects of the script's own realm, as plain ones. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

describe('the macOS helper', () => {
  it('says that it is ready, also when the line comes in pieces', () => {
    const bridge = makeBridge();
    const hello = line({ type: 'hello' });
    bridge.send(hello.slice(0, 9));
    assert.deepEqual(bridge.written, []);
    bridge.send(hello.slice(9));
    assert.deepEqual(plain(bridge.written), [{ v: 1, run: 'r1', type: 'ready' }]);
  });

  it('shows state, badge, tooltip and menu, Deny first, and tells a notice once', () => {
    const bridge = makeBridge();
    const book = createHelperBook('r1');
    bridge.send(line({ type: 'hello' }) + `${JSON.stringify(book.lineOf(makeModel('k3')))}\n`);
    const { button, menu } = bridge.statusItem;
    assert.equal(button.title.valueOf(), '\u25CF 1');
    assert.equal(button.toolTip.valueOf(), '1 destination waits\napi.example.net:443');
    const answers = menu?.items[0]?.submenu?.items.map(({ title, action, tag, enabled }) => ({
      title,
      action,
      tag,
      enabled,
    }));
    assert.deepEqual(answers, [
      { title: 'curl in ~/app', action: null, tag: 0, enabled: false },
      { title: 'Deny', action: 'clicked:', tag: 1, enabled: true },
      { title: 'Allow once', action: 'clicked:', tag: 2, enabled: true },
    ]);
    assert.equal(menu?.items[1]?.isSeparator, true);
    bridge.send(`${JSON.stringify(book.lineOf(makeModel('k3')))}\n`);
    assert.deepEqual(plain(bridge.notices), [
      { body: 'curl asks\nin ~/app', withTitle: 'k3: api.example.net:443' },
    ]);
  });

  it('tells clicks and open menus with the run they belong to', () => {
    const bridge = makeBridge();
    bridge.send(line({ type: 'hello' }));
    bridge.call('clicked:', { tag: 12 });
    bridge.call('menuWillOpen:', {});
    bridge.call('menuDidClose:', {});
    assert.deepEqual(plain(bridge.written.slice(1)), [
      { v: 1, run: 'r1', type: 'click', id: 12 },
      { v: 1, run: 'r1', type: 'menu', open: true },
      { v: 1, run: 'r1', type: 'menu', open: false },
    ]);
  });

  it('goes on after a line it cannot read, and says so', () => {
    const bridge = makeBridge();
    bridge.send(`${line({ type: 'hello' })}{"v":1,\n${line({ type: 'show', menu: 3 })}`);
    const problems = bridge.written.slice(1) as { readonly type: string }[];
    assert.deepEqual(
      problems.map(({ type }) => type),
      ['problem', 'problem'],
    );
  });

  it('ends when it is told to, and when the tray has gone', () => {
    for (const last of [line({ type: 'close' }), '']) {
      const bridge = makeBridge();
      bridge.send(line({ type: 'hello' }));
      bridge.send(last);
      assert.equal(bridge.isOver(), true);
    }
  });
});

describe('the desktop of macOS elsewhere', () => {
  it('says what is missing', async (context) => {
    const { promise, resolve } = Promise.withResolvers<string | null>();
    const desktop = openMacosDesktop({
      onAction: () => undefined,
      onProblem: resolve,
      onTaken: () => undefined,
    });
    context.after(() => desktop.close());
    const problem = await promise;
    assert.ok(process.platform === 'darwin' || problem?.includes('osascript') === true);
  });
});
