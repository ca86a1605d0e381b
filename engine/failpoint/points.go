package failpoint

// Point is a step at which the program can be made to fail.
type Point uint8

// The steps, in the order in which they are come by. Those marked "kill" can't
// fail: nothing there has an error to return.
const (
	// A commit: from what came in to its answer.
	DecisionTaken     Point = iota // kill: before a decision is folded
	DecisionFolded                 // kill: calls see it, and it is queued
	CompletionTaken                // kill: before a completion is folded
	CompletionFolded               // kill: calls see it, and it is queued
	CommitBegin                    // before the transaction
	CommitPut                      // before a record is put
	CommitBelongings               // between a record and what changes with it
	CommitWrite                    // all is put, nothing is written
	CommitSynced                   // it is on disk; who asked for it hears that it failed
	CommitCounted                  // kill: the log is longer, and nobody who waits was told
	CommitRoom                     // kill: told, before room is made for the next
	ReplyToInitiation              // kill: on disk, and the caller has no answer yet
	ReplyToCompletion              // kill: on disk, and the provider has no answer yet

	// The index, written behind.
	IndexCut     // the cut is taken from memory
	IndexBegin   // before the transaction
	IndexSettle  // between two keys of a pile that go to their trees
	IndexUnpile  // before the pile is dropped
	IndexPut     // between two of its entries
	IndexEpoch   // kill: a new epoch begins
	IndexFilters // before the filters of epochs are kept
	IndexMark    // before it says up to where it is the log's fold
	IndexSynced  // it is on disk; the writer hears that it failed
	IndexNoted   // kill: before memory knows that it is on disk

	// Retention, beside what it shares with every commit.
	RetentionClock    // before it is noted that the clock is believed
	RetentionLook     // before it is looked for what is old
	RetentionCarry    // before a record of live data that counts is written anew
	RetentionRests    // before it is read what remains of a call; at a start too
	RetentionSubtract // kill: queued, and before a call is subtracted; at a start too
	RetentionRelay    // in its transaction, before the relay's targets are told
	RetentionMark     // before it is noted how far it came
	RetentionDelete   // between two records that are deleted
	RetentionArchive  // kill: before memory forgets what the archive had
	RetentionDone     // kill: on disk, before the next batch

	// An erasure of a person, likewise.
	ForgetSession // before a session is ended
	ForgetLook    // before a part of the log is looked through
	ForgetCalls   // before it is worked out what calls become
	ForgetReplace // in their transaction, between two records that are rewritten
	ForgetReduce  // kill: queued, and before a call is folded anew
	ForgetOthers  // in the transaction of other records, before they are rewritten
	ForgetArchive // kill: before memory forgets what the archive had
	ForgetLive    // before sessions and facts are rewritten
	ForgetLetters // in its transaction, before the relay's outbox is looked through
	ForgetNote    // before the audit trail tells of it
	ForgetIndex   // before the index loses what it held

	// A reload.
	ReloadBegin     // kill: somebody or something asked for it
	ReloadRead      // before the folder is read
	ReloadCompile   // it is linted and compiled
	ReloadTests     // its tests have run
	ReloadPrepare   // it is ready for calls
	ReloadSmoke     // it was tried on recorded calls
	ReloadArchive   // before it is archived
	ReloadPieces    // before some of its files are written, and its record
	ReloadArchived  // kill: archived, and not in force
	ReloadSwapped   // kill: in force, and nobody was told
	ReloadAnnounced // kill: status tells, before metrics and events do

	// A start.
	OpenCorrupt    // before a corrupt log gets another name
	OpenSetAside   // kill: it has it, and no new log is there
	CreateBeside   // before a new file is begun
	CreateFill     // it is open under a passing name, and empty
	CreatePublish  // it is whole, under a passing name
	CreateLinked   // it has its name, which is not durable
	OpenLog        // before the log is opened
	OpenRead       // it is open and locked
	OpenIndex      // before the index is opened
	IndexRemove    // before an index that is no good is removed
	OpenArchive    // before it is read which policy sets are archived
	PiecesSweep    // before files that no archived policy set has are taken away
	OpenTail       // before a record that the index lacks is folded
	RebuildRecord  // before a record is folded for a new index
	RebuildEnd     // kill: all are, and the index does not say so
	StartRevision  // before the archived policy set is read
	ListenPublic   // before the webhooks' address is bound
	ListenPrivate  // before the private one is
	ReadyWrite     // calls are answered; before the ready file is begun
	ReadyPublished // kill: the ready file is there

	// A stop.
	StopDrain   // kill: no more calls are taken
	StopLog     // kill: before the rest of the queue goes to the disk
	StopFlush   // before the last of memory goes to the index
	StopIndex   // kill: before the index is closed
	StopClosing // kill: before the log is

	points // how many there are
)

var names = [points]string{
	DecisionTaken: "decision.taken", DecisionFolded: "decision.folded", CompletionTaken: "completion.taken", CompletionFolded: "completion.folded",
	CommitBegin: "commit.begin", CommitPut: "commit.put", CommitBelongings: "commit.belongings", CommitWrite: "commit.write",
	CommitSynced: "commit.synced", CommitCounted: "commit.counted", CommitRoom: "commit.room",
	ReplyToInitiation: "reply.initiation", ReplyToCompletion: "reply.completion",

	IndexCut: "index.cut", IndexBegin: "index.begin", IndexSettle: "index.settle",
	IndexUnpile: "index.unpile", IndexPut: "index.put", IndexEpoch: "index.epoch", IndexFilters: "index.filters",
	IndexMark: "index.mark", IndexSynced: "index.synced", IndexNoted: "index.noted",

	RetentionClock: "retention.clock", RetentionLook: "retention.look", RetentionCarry: "retention.carry", RetentionRests: "retention.rests",
	RetentionSubtract: "retention.subtract", RetentionRelay: "retention.relay", RetentionMark: "retention.mark",
	RetentionDelete: "retention.delete", RetentionArchive: "retention.archive", RetentionDone: "retention.done",
	ForgetSession: "forget.session", ForgetLook: "forget.look", ForgetCalls: "forget.calls", ForgetReplace: "forget.replace",
	ForgetReduce: "forget.reduce", ForgetOthers: "forget.others", ForgetArchive: "forget.archive", ForgetLive: "forget.live",
	ForgetLetters: "forget.letters", ForgetNote: "forget.note", ForgetIndex: "forget.index",

	ReloadBegin: "reload.begin", ReloadRead: "reload.read", ReloadCompile: "reload.compile", ReloadTests: "reload.tests",
	ReloadPrepare: "reload.prepare", ReloadSmoke: "reload.smoke", ReloadArchive: "reload.archive", ReloadPieces: "reload.pieces", ReloadArchived: "reload.archived",
	ReloadSwapped: "reload.swapped", ReloadAnnounced: "reload.announced",

	OpenCorrupt: "open.corrupt", OpenSetAside: "open.set_aside", CreateBeside: "create.beside", CreateFill: "create.fill",
	CreatePublish: "create.publish", CreateLinked: "create.linked", OpenLog: "open.log", OpenRead: "open.read", OpenIndex: "open.index",
	IndexRemove: "index.remove", OpenArchive: "open.archive", PiecesSweep: "pieces.sweep", OpenTail: "open.tail", RebuildRecord: "rebuild.record", RebuildEnd: "rebuild.end",
	StartRevision: "start.revision", ListenPublic: "listen.public", ListenPrivate: "listen.private", ReadyWrite: "ready.write", ReadyPublished: "ready.published",

	StopDrain: "stop.drain", StopLog: "stop.log", StopFlush: "stop.flush", StopIndex: "stop.index", StopClosing: "stop.closing",
}

// String is the point's name, as in the file that arms it.
func (p Point) String() string { return names[p] }

// All are the names of all points, in their order.
func All() []string { return names[:] }
