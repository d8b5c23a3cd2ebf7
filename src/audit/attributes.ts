// Every event and attribute name with its type and meaning: the one table that the builders, the documents and the
// tests agree on. Names without `sallyport.` are Codex's.

/** Version of the attribute table below; raised when a name or meaning changes. */
export const schemaVersion = 1;

/** Every event name with its meaning. */
export const eventNames = {
  'codex.network_proxy.policy_decision': 'one request was allowed or denied',
  'sallyport.request.malformed': 'a request could not be read and was answered with 400',
  'sallyport.approval.opened': 'an unknown destination became a question',
  'sallyport.approval.answered': 'an approver answered a question',
  'sallyport.approval.undone': 'an answer was taken back',
  'sallyport.approval.extended': 'an approver let what waits in a question wait longer',
  'sallyport.approval.reviewed': 'the automatic reviewer was asked about a question',
  'sallyport.approval.self': 'an answer came from inside the process tree that asked',
  'sallyport.control.acted': 'a change was made through the control API, answers excepted',
  'sallyport.control.refused': 'a program that asks tried to steer the gate',
  'sallyport.gate.paused': 'an approver had unknown hosts denied without a question',
  'sallyport.gate.resumed': 'unknown hosts are asked about again',
  'sallyport.gate.panic': 'an approver stopped all traffic',
  'sallyport.gate.reopened': 'an approver let traffic through again',
  'sallyport.gate.flood': 'a program asked for too much and is refused until a person looks',
  'sallyport.connection.closed': 'a permitted connection or request ended',
  'sallyport.policy.loaded': 'a policy came into force',
  'sallyport.policy.rejected': 'a policy on disk has mistakes; the last good one stays',
  'sallyport.policy.changed':
    'a policy that lets more through waits, came into force, or was undone',
  'sallyport.policy.edited': 'an admin saved a configuration file through the control API',
  'sallyport.grant.created': 'an answer was remembered',
  'sallyport.grant.revoked': 'a remembered answer was taken back',
  'sallyport.grant.expired': 'a remembered answer ran out',
  'sallyport.daemon.started': 'the daemon opened its doors',
  'sallyport.daemon.stopping': 'the daemon began to stop',
  'sallyport.heartbeat': 'the daemon is alive; written once a minute',
} as const;

/** One of `eventNames`. */
export type EventName = keyof typeof eventNames;

/** Type and meaning of one attribute; `int` is a whole number. */
export interface AttributeDoc {
  readonly type: 'string' | 'int' | 'bool';
  readonly meaning: string;
}

/** Every attribute that any event can carry. Names without `sallyport.` are Codex's, with Codex's types. */
export const attributeTable = {
  'event.name': { type: 'string', meaning: 'the name of the event' },
  'event.timestamp': { type: 'string', meaning: 'when it happened: RFC 3339, milliseconds, Z' },
  'network.policy.scope': {
    type: 'string',
    meaning: 'domain, or non_domain when the host had no part in the decision',
  },
  'network.policy.decision': { type: 'string', meaning: 'allow or deny' },
  'network.policy.source': {
    type: 'string',
    meaning: 'who said so: baseline_policy, mode_guard, proxy_state or decider',
  },
  'network.policy.reason': {
    type: 'string',
    meaning: 'allow, or why not; not_allowed with an allow means that a miss was overridden',
  },
  'network.policy.override': {
    type: 'bool',
    meaning: 'true only when an approver turned a miss into an allow',
  },
  'network.transport.protocol': { type: 'string', meaning: 'http, https_connect or socks5_tcp' },
  'server.address': { type: 'string', meaning: 'canonical host of the destination' },
  'server.port': { type: 'int', meaning: 'port of the destination' },
  'http.request.method': {
    type: 'string',
    meaning: 'as sent; none for SOCKS, _OTHER when it is no method name of at most 32 characters',
  },
  'client.address': { type: 'string', meaning: 'address and port of the client, or unknown' },
  'sallyport.schema_version': { type: 'int', meaning: 'version of this table' },
  'sallyport.uid': { type: 'string', meaning: 'unique id of the record' },
  'sallyport.listener': { type: 'string', meaning: 'the door: http, socks5 or gateway' },
  'sallyport.rule.text': { type: 'string', meaning: 'the rule that decided, as written' },
  'sallyport.rule.layer': { type: 'string', meaning: 'configuration layer of that rule' },
  'sallyport.rule.file': { type: 'string', meaning: 'file of that rule' },
  'sallyport.rule.line': { type: 'int', meaning: 'line of that rule, from 1' },
  'sallyport.group.id': { type: 'string', meaning: 'short id of the question' },
  'sallyport.grant.id': { type: 'string', meaning: 'id of the remembered answer' },
  'sallyport.grant.outcome': { type: 'string', meaning: 'allow or deny' },
  'sallyport.grant.for': { type: 'string', meaning: 'ticket, until, restart or always' },
  'sallyport.grant.host': { type: 'string', meaning: 'the host, or *. and a domain' },
  'sallyport.grant.port': { type: 'string', meaning: 'the port in digits, or any' },
  'sallyport.grant.expires': {
    type: 'string',
    meaning: 'when it runs out; absent when it does not',
  },
  'sallyport.approver.name': { type: 'string', meaning: 'who answered' },
  'sallyport.approver.surface': { type: 'string', meaning: 'from where: cli, page, tray …' },
  'sallyport.wait_ms': { type: 'int', meaning: 'how long the request was held, in milliseconds' },
  'sallyport.policy.version': { type: 'string', meaning: 'the policy in force' },
  'sallyport.pinned': {
    type: 'bool',
    meaning: 'false when the name went to an upstream proxy without being looked up here',
  },
  'sallyport.would_deny': {
    type: 'bool',
    meaning: 'true when report-only mode let through what it would have asked about or denied',
  },
  'sallyport.process.executable': { type: 'string', meaning: 'the asking program, by the OS' },
  'sallyport.process.pid': { type: 'int', meaning: 'its process id' },
  'sallyport.malformed.what': { type: 'string', meaning: 'what was wrong with the request' },
  'sallyport.malformed.text': {
    type: 'string',
    meaning: 'the host or authority that was wrong: escaped, no userinfo, at most 256 characters',
  },
  'sallyport.answer.outcome': { type: 'string', meaning: 'allow or deny' },
  'sallyport.answer.for': { type: 'string', meaning: 'once, minutes, hours, restart or always' },
  'sallyport.answer.host': { type: 'string', meaning: 'exact, or *. and a domain' },
  'sallyport.answer.port': { type: 'string', meaning: 'this or any' },
  'sallyport.answer.program': {
    type: 'string',
    meaning: 'any, or this: the answer is bound to the programs that asked',
  },
  'sallyport.answer.note': {
    type: 'string',
    meaning: "the approver's words, at most 200 characters",
  },
  'sallyport.answer.latency_ms': {
    type: 'int',
    meaning: 'from the first request of the question to the answer',
  },
  'sallyport.answer.released': { type: 'int', meaning: 'how many held connections it let go' },
  'sallyport.answer.taken': {
    type: 'bool',
    meaning: 'false when the self-approval guard refused it',
  },
  'sallyport.review.verdict': {
    type: 'string',
    meaning: 'allow, deny or ask; absent when it gave none that could be read',
  },
  'sallyport.review.risk': { type: 'string', meaning: 'low, medium or high' },
  'sallyport.review.end': {
    type: 'string',
    meaning: 'allowed, denied, asked (left to a person) or late (somebody was faster)',
  },
  'sallyport.review.took_ms': { type: 'int', meaning: 'how long the reviewer took' },
  'sallyport.control.action': { type: 'string', meaning: 'what the caller wanted to do' },
  'sallyport.control.about': { type: 'string', meaning: 'the name or id it is about' },
  'sallyport.control.token': { type: 'string', meaning: 'id of the token it came with' },
  'sallyport.gate.until': { type: 'string', meaning: 'when the pause ends: RFC 3339' },
  'sallyport.gate.closed': { type: 'int', meaning: 'open connections that were closed by it' },
  'sallyport.flood.refused': { type: 'int', meaning: 'requests refused so far' },
  'sallyport.connection.permit_uid': {
    type: 'string',
    meaning: 'uid of the decision that permitted it',
  },
  'sallyport.connection.reason': { type: 'string', meaning: 'why it ended' },
  'sallyport.connection.bytes_up': { type: 'int', meaning: 'bytes from the client' },
  'sallyport.connection.bytes_down': { type: 'int', meaning: 'bytes to the client' },
  'sallyport.connection.duration_ms': { type: 'int', meaning: 'how long it lived' },
  'sallyport.connection.remote_address': { type: 'string', meaning: 'the address dialled' },
  'sallyport.policy.enabled': { type: 'bool', meaning: 'false: everything is refused' },
  'sallyport.policy.mode': { type: 'string', meaning: 'full or limited' },
  'sallyport.policy.unknown': { type: 'string', meaning: 'ask, deny or report' },
  'sallyport.policy.allow_rules': { type: 'int', meaning: 'number of allow rules' },
  'sallyport.policy.deny_rules': { type: 'int', meaning: 'number of deny rules' },
  'sallyport.policy.layers': { type: 'string', meaning: 'layer=file, lowest first, blank between' },
  'sallyport.policy.problems': { type: 'int', meaning: 'number of mistakes found' },
  'sallyport.policy.problem': { type: 'string', meaning: 'the first mistake, with its place' },
  'sallyport.policy.state': {
    type: 'string',
    meaning: 'waiting, applied, undone, rejected or replaced',
  },
  'sallyport.policy.added': { type: 'int', meaning: 'number of rules added' },
  'sallyport.policy.removed': { type: 'int', meaning: 'number of rules removed' },
  'sallyport.policy.keys': { type: 'int', meaning: 'number of other keys changed' },
  'sallyport.policy.file': { type: 'string', meaning: 'the file that was saved' },
  'sallyport.policy.lines': { type: 'int', meaning: 'number of lines changed in it' },
  'sallyport.daemon.version': { type: 'string', meaning: 'version of sallyport' },
  'sallyport.daemon.pid': { type: 'int', meaning: 'process id of the daemon' },
  'sallyport.heartbeat.uptime_ms': { type: 'int', meaning: 'time since the start' },
  'sallyport.heartbeat.connections': { type: 'int', meaning: 'open connections of all doors' },
  'sallyport.heartbeat.groups': { type: 'int', meaning: 'open questions' },
  'sallyport.heartbeat.holds': { type: 'int', meaning: 'connections held' },
  'sallyport.heartbeat.exported': { type: 'int', meaning: 'records delivered to the collector' },
  'sallyport.heartbeat.dropped': { type: 'int', meaning: 'records the exporter gave up on' },
} as const satisfies Readonly<Record<string, AttributeDoc>>;

/** One of the names in `attributeTable`. */
export type AttributeName = keyof typeof attributeTable;

interface TypeOf {
  readonly string: string;
  readonly int: number;
  readonly bool: boolean;
}

/** Attributes with the types that the table gives them; undefined ones are left out. */
export type Attributes = {
  readonly [N in AttributeName]?: TypeOf[(typeof attributeTable)[N]['type']] | undefined;
};
