// What a program shows or is to show, in words.

import type { ProgramOrder, Scene, Showing } from '../api';
import { say } from './say';

function scene(two: Scene): string {
  return `${two.sources.join(' + ')} (${say(two.layout === 'pip' ? 'pip' : 'side_by_side')})`;
}

export function programOrder(order: ProgramOrder): string {
  if (order.show === 'scene') return scene(order.scene);
  if (order.show === 'source') return order.source;
  return say(order.show === 'auto' ? 'best_source' : 'slate');
}

export function showing(program: Showing): string {
  if (program.showing === 'scene') return scene(program.scene);
  return program.showing === 'source' ? program.source : say('slate');
}
