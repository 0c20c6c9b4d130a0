import { type CSSVariablesResolver, createTheme } from '@mantine/core';

export const theme = createTheme({
  fontFamily:
    'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", sans-serif',
  fontFamilyMonospace:
    'ui-monospace, "SF Mono", "JetBrains Mono", Menlo, Consolas, "DejaVu Sans Mono", "Noto Sans Mono CJK SC", monospace',
  primaryColor: 'blue',
  primaryShade: { light: 8, dark: 8 }, // white on it is read well enough (WCAG AA)
  defaultRadius: 'sm',
  cursorType: 'pointer',
  fontSizes: { xs: '0.75rem', sm: '0.8125rem', md: '0.875rem', lg: '1rem', xl: '1.125rem' },
  headings: {
    fontWeight: '600',
    sizes: { h1: { fontSize: '1.25rem' }, h2: { fontSize: '1rem' }, h3: { fontSize: '0.875rem' } },
  },
  respectReducedMotion: true,
  components: {
    InputError: { defaultProps: { role: 'alert' } }, // told at the field alone, it is to be heard as well
  },
});

/** Mantine's greys are too light for small text on their backgrounds. */
export const variables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-dimmed': '#545b63',
    '--mantine-color-placeholder': '#646b73',
    '--mantine-color-error': '#c01c28',
    '--mantine-color-body': '#ffffff',
    '--mantine-color-text': '#16191d',
  },
  dark: {
    '--mantine-color-dimmed': '#a9b1ba',
    '--mantine-color-placeholder': '#98a1ab',
    '--mantine-color-error': '#ff8a8a',
    '--mantine-color-body': '#14171b',
    '--mantine-color-text': '#e3e6ea',
    '--mantine-color-default': '#1c2026',
    '--mantine-color-default-hover': '#252a31',
    '--mantine-color-default-border': '#343b44',
    '--mantine-color-dark-6': '#1c2026',
  },
});
