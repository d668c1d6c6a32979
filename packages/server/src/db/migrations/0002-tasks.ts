import { sql } from 'kysely'
import type { Migration } from '../migrator.ts'

/**
 * Tasks with their lease, the log (a tree of activities and numbered lines), and what a task remembers so that a server
 * that takes it up again does nothing twice: see docs/wire/orchestration.md, durable execution.
 */
export const tasks: Migration = {
  name: '0002-tasks',
  async up(db) {
    const statements = [
      `create table tasks (
        number integer primary key, space_id text, name text not null, description text not null,
        arguments text not null, state text not null, queue_time text not null, queue_time_expiry text,
        start_time text, last_updated_time text not null, completed_time text,
        server_node text, lease_owner text, lease_until text, attempts integer not null default 0,
        error_message text not null default '', has_warnings_or_errors integer not null default 0,
        project_id text, environment_id text, concurrency_tag text, created_by text,
        sequence integer not null default 0, last_activity integer not null default 0,
        log_bytes integer not null default 0)`,
      // The claim looks only at unfinished tasks, of which there are few.
      `create index tasks_unfinished on tasks (state, queue_time, number)
        where state in ('Queued', 'Executing', 'Cancelling')`,
      'create index tasks_by_space on tasks (space_id, number)',
      'create index tasks_by_project on tasks (project_id, environment_id, number)',
      `create table task_machines (task integer not null references tasks (number) on delete cascade,
        machine_id text not null, primary key (task, machine_id)) without rowid`,
      'create index task_machines_by_machine on task_machines (machine_id, task)',
      `create table task_activities (task integer not null references tasks (number) on delete cascade,
        number integer not null, parent integer, key text not null, name text not null, status text not null,
        started text, ended text, show_at_summary integer not null default 0,
        progress_percentage integer not null default 0, progress_message text not null default '',
        line_count integer not null default 0, loud_line_count integer not null default 0, revision integer not null,
        primary key (task, number), unique (task, key)) without rowid`,
      `create table task_log_lines (task integer not null references tasks (number) on delete cascade,
        sequence integer not null, activity integer not null, category text not null, occurred_at text not null,
        text text not null, detail text, primary key (task, sequence)) without rowid`,
      'create index task_log_lines_by_activity on task_log_lines (task, activity, sequence)',
      `create table task_outputs (task integer not null references tasks (number) on delete cascade,
        action text not null, machine_id text not null, machine_name text not null, name text not null,
        value text not null, is_sensitive integer not null, sequence integer not null,
        primary key (task, action, machine_id, name)) without rowid`,
      `create table task_masks (task integer not null references tasks (number) on delete cascade,
        number integer not null, value text not null, primary key (task, number)) without rowid`,
      `create table task_operations (task integer not null references tasks (number) on delete cascade,
        key text not null, result text not null, primary key (task, key)) without rowid`,
      `create table script_runs (task integer not null references tasks (number) on delete cascade,
        key text not null, machine_id text not null, ticket text not null, contract text not null, state text not null,
        next_log_sequence integer not null default 0, output_state text not null default '{}', exit_code integer,
        facts text not null default '{}', is_cleaned integer not null default 0, created text not null,
        started text, completed text, primary key (task, key)) without rowid`,
    ]
    for (const statement of statements) await sql.raw(statement).execute(db)
  },
}
