import { NativeSelect, NumberInput, Switch, Textarea, TextInput } from '@mantine/core';
import { ApiError } from '../../api/problem';

export type Value = string | number | boolean;
export type Values = Record<string, Value>;

/** A field of a record, as a form and a comparison draw it. */
export interface Field {
  key: string; // of the API's body
  label: string;
  help?: string;
  kind?: 'text' | 'area' | 'switch' | 'number';
  options?: { value: string; label: string }[];
  required?: boolean;
  max?: number;
}

interface Props {
  fields: Field[];
  values: Values;
  change: (values: Values) => void;
  error?: unknown;
  disabled?: boolean;
}

/** Where the API has the fields of a form. */
export const placesOf = (fields: Field[]) => fields.map(({ key }) => `body.${key}`);

/** The inputs of a form; what the API says of a field is said at it. */
export function Inputs({ fields, values, change, error, disabled }: Props) {
  const problem = error instanceof ApiError ? error : undefined;
  return fields.map((field) => {
    const { key, kind, options } = field;
    const value = values[key] ?? '';
    const set = (next: Value) => change({ ...values, [key]: next });
    const common = {
      label: field.label,
      description: field.help,
      error: problem?.at(`body.${key}`),
      disabled,
      required: field.required,
      withAsterisk: false,
    };
    if (options) {
      return (
        <NativeSelect
          key={key}
          {...common}
          data={options}
          value={String(value)}
          onChange={(e) => set(e.currentTarget.value)}
        />
      );
    }
    switch (kind) {
      case 'switch':
        return (
          <Switch
            key={key}
            label={field.label}
            description={field.help}
            error={common.error}
            disabled={disabled}
            checked={value === true}
            onChange={(e) => set(e.currentTarget.checked)}
          />
        );
      case 'number':
        return (
          <NumberInput
            key={key}
            {...common}
            min={1}
            max={field.max}
            allowDecimal={false}
            value={typeof value === 'number' ? value : String(value)}
            onChange={(next) => set(next)}
          />
        );
      case 'area':
        return (
          <Textarea
            key={key}
            {...common}
            autosize
            minRows={2}
            maxRows={8}
            value={String(value)}
            onChange={(e) => set(e.currentTarget.value)}
          />
        );
      default:
        return (
          <TextInput
            key={key}
            {...common}
            autoComplete="off"
            spellCheck={false}
            value={String(value)}
            onChange={(e) => set(e.currentTarget.value)}
          />
        );
    }
  });
}
