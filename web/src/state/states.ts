import {
  IconBiohazard,
  IconCircleCheck,
  IconCircleX,
  IconClockPause,
  IconFileCheck,
  IconGitFork,
  IconHandStop,
  IconPlugConnectedX,
  IconProgressDown,
  type TablerIcon,
} from '@tabler/icons-react';
import type { NodeState } from '../api/client';

/** A state has one word (locales: state.*), one colour (state.css) and one icon, everywhere. */
export const stateIcons: Record<NodeState, TablerIcon> = {
  failed: IconCircleX,
  quarantined: IconBiohazard,
  held: IconHandStop,
  drifted: IconGitFork,
  stale: IconPlugConnectedX,
  applying: IconProgressDown,
  written: IconFileCheck,
  pending: IconClockPause,
  in_sync: IconCircleCheck,
};

/** All states, those that want somebody first. */
export const states = Object.keys(stateIcons) as NodeState[];

/** Those in which something has failed: the icon of the page turns red. */
export const failing: NodeState[] = ['failed', 'quarantined'];
