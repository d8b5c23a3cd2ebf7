import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { renderClock } from '../../../src/cli/render.ts';
import { renderStatus, statusCommand } from '../../../src/cli/status.ts';
import type { StatusResponse } from '../../../src/control/messages.ts';
import { recordIo, startStandIn } from '../../support/command.ts';
import { makeGate } from '../../support/views.ts';

const status: StatusResponse = {
  version: '0.1.0',
  pid: 42,
  started: '2026-11-20T10:00:00.000Z',
  listeners: {
    http: 'http://127.0.0.1:4128',
    socks: 'socks5h://127.0.0.1:4129',
    gateway: 'http://127.0.0.1:4130/v1',
    control: 'http://127.0.0.1:4131',
    socket: '/s/control.sock',
  },
  state: '/s',
  policy: {
    version: 'p1',
    enabled: true,
    mode: 'full',
    unknown: 'ask',
    rules: { allow: 3, deny: 1 },
    layers: [{ layer: 'user', file: '/home/ann/config.toml' }],
    rejected: null,
    pendingRestart: [],
    warnings: [],
  },
  parent: null,
  connections: { http: 2, socks5: 0, gateway: 1 },
  waiting: { groups: 1, holds: 4 },
  gate: makeGate(),
  policyChange: null,
  surfaces: { tray: 1, page: 2 },
  tray: null,
  reviewer: { kind: 'user', problem: null },
  audit: {
    journal: { file: '/s/audit/a.jsonl', ok: true, problem: null },
    exporter: { kind: 'otlp-http', ok: true, delivered: 12, dropped: 0, problem: null },
  },
};
const now = Date.parse('2026-11-20T12:00:00.000Z');

describe('renderStatus', () => {
  it('shows a daemon that is well', () => {
    assert.equal(
      renderStatus(status, now),
      `sallyport   0.1.0, pid 42, up 2h
http        http://127.0.0.1:4128, 2 open
socks5      socks5h://127.0.0.1:4129, 0 open
gateway     http://127.0.0.1:4130/v1, 1 open
control     http://127.0.0.1:4131, /s/control.sock
upstream    direct
state       /s
policy      version p1, mode full, 3 allow and 1 deny rules, unknown hosts are asked about
  from      /home/ann/config.toml (user)
waiting     1 question, 4 connections
gate        open: the rules decide, and unknown hosts are asked about
surfaces    tray, 2 × page
reviewer    none, a person answers
journal     /s/audit/a.jsonl
export      otlp-http, well, 12 delivered, 0 dropped
`,
    );
  });

  it('names every trouble at the end', () => {
    const panicSince = '2026-11-20T11:00:00.000Z';
    const text = renderStatus(
      {
        ...status,
        listeners: { ...status.listeners, gateway: null, control: null },
        parent: 'http://p.example:3128',
        policy: {
          ...status.policy,
          enabled: false,
          warnings: ['* allows everything'],
          rejected: 'c.toml:1:1: wrong\u001b',
          pendingRestart: ['network.http_port'],
        },
        gate: makeGate({
          panicSince,
          troubles: ['reviewer: it does not start', 'the collector: refused', 'said by the daemon'],
        }),
        policyChange: { id: 'c1', at: panicSince, state: 'waiting', lines: [], version: 'p2' },
        surfaces: {},
        tray: 'no tray on this desktop',
        reviewer: { kind: 'auto_review', problem: 'it does not start' },
        audit: {
          journal: { ...status.audit.journal, ok: false, problem: 'no space' },
          exporter: { kind: 'none', ok: false, delivered: 0, dropped: 0, problem: 'refused' },
        },
      },
      now,
    );
    assert.equal(
      text.slice(text.indexOf('gateway')),
      `gateway     off
control     port off, /s/control.sock
upstream    through http://p.example:3128
state       /s
policy      version p1, switched off: every request is refused
  from      /home/ann/config.toml (user)
waiting     1 question, 4 connections
gate        panic since ${renderClock(panicSince)}: everything is denied ("sallyport panic --off" ends it)
surfaces    nobody watches; the tray says: no tray on this desktop
reviewer    auto_review
journal     /s/audit/a.jsonl (not written)
export      off
! * allows everything
! panic: everything is denied
! a change that lets more through waits to be accepted; see "sallyport changes"
! reviewer: it does not start
! the files on disk were rejected, the policy before them stays: c.toml:1:1: wrong\\u001b
! changed, in force at the next start: network.http_port
! the gate is closed, since the journal cannot be written: no space
! export: refused
! said by the daemon
`,
    );
  });
});

describe('status', () => {
  it('prints what the daemon answers', async (t) => {
    const daemon = await startStandIn(t, () => [200, status]);
    const io = recordIo(daemon.env);
    assert.equal(await statusCommand.run(['--json'], io), 0);
    assert.deepEqual(JSON.parse(io.written.out), status);
    assert.equal(await statusCommand.run([], recordIo(daemon.env)), 0);
  });

  it('takes no words', async () => {
    await assert.rejects(statusCommand.run(['x'], recordIo()), { code: 'ERR_USAGE' });
  });
});
