import { useQuery } from '@tanstack/react-query';
import { useEffect } from 'react';
import { summaryQuery } from '../data/nodes';
import well from '../icons/favicon.svg?url';
import failed from '../icons/favicon-failed.svg?url';
import { failing } from '../state/states';

/** Turns the icon of the tab red while something in the fleet has failed. */
export function useFavicon(enabled: boolean) {
  const { data } = useQuery({ ...summaryQuery, enabled });
  const bad = failing.some((state) => (data?.states?.[state] ?? 0) > 0);
  useEffect(() => {
    const link = document.querySelector<HTMLLinkElement>('link[rel="icon"]');
    if (link) link.href = bad ? failed : well;
  }, [bad]);
}
