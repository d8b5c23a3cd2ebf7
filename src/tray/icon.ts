// The tray's icon, drawn here: a gateway in a mid tone with a light rim, so that it shows on dark and on light
// panels, and a badge with a number or a mark. Pure. Sizes and colours only; no image library.
import type { TrayState } from './adapter.ts';

/** One picture: `size` by `size` pixels of alpha, red, green and blue bytes, row by row. */
export interface Pixmap {
  readonly size: number;
  readonly argb: Uint8Array;
}

/** Sizes that panels ask for, in pixels. */
export const iconSizes: readonly number[] = [16, 22, 24, 32, 48];

/** Red, green, blue; 0 to 255. */
export type Colour = readonly [number, number, number];

/** The body's colour in each state; each has a contrast of at least 3:1 with black and with white. */
export const bodyColours: Readonly<Record<TrayState, Colour>> = {
  idle: [94, 129, 158],
  paused: [128, 128, 132],
  waiting: [196, 116, 0],
  warning: [214, 50, 44],
  panic: [190, 40, 90],
  unreachable: [128, 128, 132],
};

const rim: Colour = [255, 255, 255];
const ink: Colour = [255, 255, 255];

/** The icon in every size. */
export function drawIcons(state: TrayState, badge: string): readonly Pixmap[] {
  return iconSizes.map((size) => drawIcon(state, badge, size));
}

/** Samples per pixel and direction; enough to look smooth at 16 pixels. */
const samples = 4;

/** The icon in one size. */
export function drawIcon(state: TrayState, badge: string, size: number): Pixmap {
  const argb = new Uint8Array(size * size * 4);
  for (let row = 0; row < size; row += 1) {
    for (let column = 0; column < size; column += 1) {
      argb.set(mixPixel(state, badge, size, column, row), (row * size + column) * 4);
    }
  }
  return { size, argb };
}

/** The mean of a pixel's samples, as alpha, red, green, blue. */
function mixPixel(
  state: TrayState,
  badge: string,
  size: number,
  column: number,
  row: number,
): readonly number[] {
  const sum: [number, number, number] = [0, 0, 0];
  let covered = 0;
  for (let index = 0; index < samples * samples; index += 1) {
    const x = (column + ((index % samples) + 0.5) / samples) / size;
    const y = (row + (Math.floor(index / samples) + 0.5) / samples) / size;
    const colour = colourAt(state, badge, x, y);
    if (colour === undefined) continue;
    covered += 1;
    for (const channel of [0, 1, 2] as const) sum[channel] += colour[channel];
  }
  if (covered === 0) return [0, 0, 0, 0];
  const alpha = Math.round((covered * 255) / (samples * samples));
  return [alpha, ...sum.map((channel) => Math.round(channel / covered))];
}

/** What is drawn at a point of the unit square, from the top layer to the bottom. */
function colourAt(state: TrayState, badge: string, x: number, y: number): Colour | undefined {
  const body = bodyColours[state];
  const mark = markAt(state, badge, x, y);
  if (mark !== undefined) return mark === 'ink' ? ink : body;
  const distance = gateDistance(x, y);
  const isFilled = state !== 'idle' && state !== 'unreachable';
  if (distance > 0.06) return undefined;
  if (distance > 0) return rim;
  return isFilled || distance > -0.11 ? body : undefined;
}

/** A gateway: a square below, a half circle above. Negative inside, in parts of the icon's size. */
function gateDistance(x: number, y: number): number {
  const halfWidth = 0.36;
  const [centre, spring, floor] = [0.5, 0.44, 0.92];
  if (y < spring) return Math.hypot(x - centre, y - spring) - halfWidth;
  return Math.max(Math.abs(x - centre) - halfWidth, y - floor);
}

type Mark = 'ink' | 'body';

function markAt(state: TrayState, badge: string, x: number, y: number): Mark | undefined {
  if (badge !== '') return badgeAt(badge, x, y);
  if (state === 'paused') return isWithin(x, y, 0.34, 0.36, 0.66, 0.8) ? barsAt(x) : undefined;
  if (state === 'panic') return isWithin(x, y, 0.26, 0.5, 0.74, 0.64) ? 'ink' : undefined;
  return state === 'unreachable' ? crossAt(x, y) : undefined;
}

function barsAt(x: number): Mark | undefined {
  return Math.abs(x - 0.5) > 0.06 ? 'ink' : undefined;
}

/** A slash from corner to corner, rimmed so that it stands off the gateway. */
function crossAt(x: number, y: number): Mark | undefined {
  if (!isWithin(x, y, 0.06, 0.06, 0.94, 0.94)) return undefined;
  const off = Math.abs(x - y) / Math.SQRT2;
  if (off < 0.06) return 'body';
  return off < 0.12 ? 'ink' : undefined;
}

function isWithin(
  x: number,
  y: number,
  left: number,
  top: number,
  right: number,
  bottom: number,
): boolean {
  return x >= left && x < right && y >= top && y < bottom;
}

/** Three by five dots a character, each row a number of three bits. */
const glyphs: Readonly<Record<string, readonly number[]>> = {
  '1': [2, 6, 2, 2, 7],
  '2': [7, 1, 7, 4, 7],
  '3': [7, 1, 7, 1, 7],
  '4': [5, 5, 7, 1, 1],
  '5': [7, 4, 7, 1, 7],
  '6': [7, 4, 7, 5, 7],
  '7': [7, 1, 1, 2, 2],
  '8': [7, 5, 7, 5, 7],
  '9': [7, 5, 7, 1, 7],
  '+': [0, 2, 7, 2, 0],
  '!': [2, 2, 2, 0, 2],
};

/** The badge's characters side by side in the middle of the gateway. */
function badgeAt(badge: string, x: number, y: number): Mark | undefined {
  const characters = Array.from(badge);
  const dot = characters.length === 1 ? 0.105 : 0.085;
  const columns = characters.length * 4 - 1;
  const column = Math.floor((x - 0.5) / dot + columns / 2);
  const row = Math.floor((y - 0.56) / dot + 2.5);
  if (column < 0 || column >= columns || row < 0 || row > 4) return undefined;
  const bits = glyphs[characters[Math.floor(column / 4)] ?? '']?.[row] ?? 0;
  return column % 4 < 3 && (bits & (4 >> (column % 4))) !== 0 ? 'ink' : undefined;
}
