import { Outlet } from '@tanstack/react-router';

export function JobPage() {
  return <Outlet />;
}
