import type { ReactNode } from 'react';
import { ApiError } from '../api/problem';

/** Whether what an address names is not there, or cannot be: the name is none. */
export const isMissing = (error: unknown) => error instanceof ApiError && [404, 422].includes(error.status);

interface Props {
  title: string;
  help: string;
  /** The way to what there is. */
  children: ReactNode;
}

/** What an address names is not there. */
export function Missing({ title, help, children }: Props) {
  return (
    <div className="stack missing">
      <h1>{title}</h1>
      <p className="dim">{help}</p>
      <p>{children}</p>
    </div>
  );
}
