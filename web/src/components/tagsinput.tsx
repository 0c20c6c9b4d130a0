import { TagsInput as Input, type TagsInputProps } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, queryOptions, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ok } from '../api/client';
import { keys } from '../data/queries';
import { Name } from './name';

/** The tags that there are with a text in their name. */
const offered = (q: string) =>
  queryOptions({
    queryKey: [...keys.tags, 'offered', q],
    queryFn: async ({ signal }) => {
      const query = { q: q || undefined, limit: 20, sort: 'name' };
      const found = await ok(api.GET('/api/v1/tags', { params: { query }, signal }));
      return (found.items ?? []).map((tag) => tag.name);
    },
    placeholderData: keepPreviousData,
    staleTime: 30_000,
  });

const none: string[] = [];

/** Takes tags, and offers those that there are already while one types. */
export function TagsInput(props: Omit<TagsInputProps, 'data'>) {
  const [typed, setTyped] = useState('');
  const [q] = useDebouncedValue(typed.trim(), 150);
  const typing = typed.trim() !== ''; // nothing is in the way of who does not
  const found = useQuery({ ...offered(q), enabled: typing && q === typed.trim() }).data ?? none;
  return (
    <Input
      {...props}
      data={typing ? found : none}
      renderOption={({ option }) => <Name of={option.value} />}
      onSearchChange={setTyped}
    />
  );
}

/** The tags that are offered for the last one of a text with several, for an input whose `list` is this id. */
export function TagsOffered({ id, text }: { id: string; text: string }) {
  const [, before = '', last = ''] = /^(.*[,，、;；]\s*)?(.*)$/s.exec(text) ?? [];
  const [q] = useDebouncedValue(last.trim(), 150);
  const found = useQuery(offered(q)).data ?? none;
  return (
    <datalist id={id}>
      {found.map((tag) => (
        <option key={tag} value={before + tag} />
      ))}
    </datalist>
  );
}
