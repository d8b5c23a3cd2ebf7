// The card of a program that asked for too much and is refused quietly until a person lifts it.
/** @import { Card } from './group-card.js' */
/** @import { Context } from './context.js' */
/** @import { Item } from './items.js' */
import { problemOf } from './api.js';
import { createFrame } from './card-frame.js';
import { mayAnswer } from './context.js';
import { button, make, setOff, setText } from './dom.js';
import { createQuietTime } from './quiet-time.js';
import { count, moment } from './words.js';

/**
 * Makes the card.
 * @param {Context} context
 * @param {Extract<Item, { kind: 'flood' }>} item
 * @returns {Card}
 */
export function createFloodCard(context, item) {
  let { flood } = item;
  const frame = createFrame(item.key);
  const lead = make(
    'p',
    {},
    'It asked for more than 20 new destinations in a minute. All it asks for now is refused, without a question, until you lift this.',
  );
  const hosts = make('p', { class: 'code' });
  const lift = button('Ask about it again', () => void liftIt(), { class: 'plain' });
  const quiet = createQuietTime(() => setOff(lift, quiet.isOn()));
  frame.element.classList.add('warned');
  frame.body.append(lead, hosts);
  if (mayAnswer(context.live()?.role)) frame.body.append(make('div', { class: 'row' }, lift));
  show();

  function show() {
    const pid = flood.pid === null ? '' : ` (${flood.pid})`;
    setText(frame.title, `${flood.program}${pid} asks for too many hosts`);
    const since = moment(flood.since, Date.now());
    setText(
      frame.meta,
      `refused quietly since ${since} · ${count(flood.refused, 'request')} · ${flood.id}`,
    );
    setText(hosts, flood.hosts.join(', '));
  }

  async function liftIt() {
    try {
      await context.api.lift(flood.id);
      frame.finish(`${flood.program} is asked about again`, undefined);
    } catch (error) {
      frame.tell(problemOf(error));
    }
  }

  return {
    frame,
    ids: [],
    update(next) {
      if (next.kind !== 'flood') return;
      flood = next.flood;
      show();
    },
    tick: () => undefined,
    rest: () => quiet.start(),
    see: () => undefined,
    stop: () => quiet.stop(),
    key: () => false,
  };
}
