import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { trayStates } from '../../../src/tray/adapter.ts';
import {
  bodyColours,
  drawIcon,
  drawIcons,
  iconSizes,
  type Colour,
} from '../../../src/tray/icon.ts';

/** WCAG 2.2 relative luminance. */
function luminance(colour: Colour): number {
  const [red = 0, green = 0, blue = 0] = colour.map((channel) => {
    const part = channel / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: Colour, other: Colour): number {
  const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return ((light ?? 0) + 0.05) / ((dark ?? 0) + 0.05);
}

describe('the icon', () => {
  for (const state of trayStates) {
    it(`shows on dark and on light panels when ${state}`, () => {
      assert.ok(contrast(bodyColours[state], [255, 255, 255]) >= 3, 'on white');
      assert.ok(contrast(bodyColours[state], [0, 0, 0]) >= 3, 'on black');
    });
  }

  it('comes in the sizes that panels ask for', () => {
    const icons = drawIcons('idle', '');
    assert.deepEqual(
      icons.map(({ size, argb }) => [size, argb.length]),
      iconSizes.map((size) => [size, size * size * 4]),
    );
  });

  it('looks different in every state and with every badge', () => {
    const badges = ['1', '2', '3', '4', '5', '6', '7', '8', '9', '9+'];
    const pictures = [
      ...trayStates.map((state) => drawIcon(state, '', 22)),
      ...badges.map((badge) => drawIcon('waiting', badge, 22)),
      drawIcon('warning', '!', 22),
    ].map(({ argb }) => Buffer.from(argb).toString('base64'));
    assert.equal(new Set(pictures).size, pictures.length);
  });

  it('is clear in its corners and an outline when idle', () => {
    const { argb, size } = drawIcon('idle', '', 48);
    const alphaAt = (x: number, y: number): number => argb[(y * size + x) * 4] ?? -1;
    assert.deepEqual([alphaAt(0, 0), alphaAt(47, 0), alphaAt(24, 26)], [0, 0, 0]);
    assert.equal(alphaAt(24, 7), 255);
  });
});
