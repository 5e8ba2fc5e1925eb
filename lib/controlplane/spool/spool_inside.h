// What the files of the spool share: the log in memory, and what stands in its files.
#ifndef SPOOL_SPOOL_INSIDE_H
#define SPOOL_SPOOL_INSIDE_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "base/clock.h"
#include "spool/spool.h"

enum {
	SPOOL_VERSION = 1,
	SPOOL_VERSION_MAX = 1000, // of any time; more is damage
	SPOOL_ENDIAN = 0x01020304,
	SPOOL_STATE_BYTES = 16384,
	SPOOL_ENDS = 400, // boots whose last ids are known
	SPOOL_SLOT_BYTES = 512,
	SPOOL_NAMES_TAKEN_MAX = 64, // in a row, by somebody else's files
	SPOOL_NAME_MAX = 32,
	SPOOL_PATH_MAX = 1024,
	SPOOL_MACHINE_MAX = 40,
	SPOOL_PENDING_MAX = 4 << 20, // bytes appended and not yet committed
	SPOOL_GAPS_MAX = 8           // tombstones per stream that wait for room
};

// ---- in files, little or big endian as the machine has it: the header says which ----

// Of any version: a newer one is told from a flipped bit by its checksum.
struct spool_file_header {
	char magic[8];
	uint32_t version, endian;
	uint64_t number;
	uint8_t instance[SPOOL_INSTANCE_BYTES];
	struct spool_id before[SPOOL_STREAMS]; // last id of each stream in the segments before
	uint32_t reserved, crc;                // of all before it
};

struct spool_file_entry {
	uint32_t size; // with this header and padding to 8; 0: the end
	uint32_t crc;  // of all that follows, payload included
	uint64_t boot, first, last;
	uint32_t length;
	uint8_t stream, cause, reserved[2];
};

struct spool_file_cursor {
	char magic[8];
	uint32_t version, endian;
	uint64_t serial;
	uint64_t segment, offset;               // behind what was acknowledged
	uint64_t intend_segment, intend_offset; // end of a batch on its way; 0: none
	struct spool_id acked[SPOOL_STREAMS], counted[SPOOL_STREAMS];
	uint32_t reserved, crc;
};

struct spool_file_end {
	uint64_t boot, last[SPOOL_STREAMS];
};

// Mapped; stores into it survive the process. No checksum: it changes all the time.
struct spool_file_state {
	char magic[8];
	uint32_t version, endian;
	uint8_t instance[SPOOL_INSTANCE_BYTES];
	char machine[SPOOL_MACHINE_MAX];         // boot id of the machine that wrote it
	uint64_t boot;
	_Atomic uint64_t given[SPOOL_STREAMS];   // in this boot
	struct spool_id quota_to[SPOOL_STREAMS]; // up to here, what is missing was dropped for want of room
	struct spool_id disk_to[SPOOL_STREAMS];  // up to here, it was only in memory
	struct spool_file_end ends[SPOOL_ENDS];  // of boots, at boot % SPOOL_ENDS
};

_Static_assert(sizeof(struct spool_file_state) <= SPOOL_STATE_BYTES, "its pages");
_Static_assert(sizeof(struct spool_file_cursor) <= SPOOL_SLOT_BYTES, "one slot");
_Static_assert(sizeof(struct spool_file_entry) % 8 == 0 && sizeof(struct spool_file_header) % 8 == 0, "entries are aligned");

#define SPOOL_BOOT_MAX (UINT64_MAX / 2) // more, in a file, is damage

enum { SPOOL_ENTRY_BYTES_MAX = sizeof(struct spool_file_entry) + SPOOL_PAYLOAD_MAX + 8 };

// ---- in memory ----

struct spool_segment {
	struct spool_segment *next;
	uint64_t number;
	uint64_t size;      // of what is committed, header included
	uint8_t *memory;    // segment_bytes of it; NULL: it is a file
	int fd;             // -1: opened when read
	unsigned users;     // who read it now
	bool gone;          // out of the list; freed with its last user
	bool thinned;       // only what is dropped last is left in it
	struct spool_id before[SPOOL_STREAMS];
};

// Where the reader is.
struct spool_place {
	uint64_t segment, offset;
	struct spool_id read[SPOOL_STREAMS]; // last one given out
	bool rewound;                        // before the cursor: what is read had been acknowledged once
};

struct spool_gap {
	uint64_t boot, first, last;
	uint8_t cause;
};

struct spool {
	struct spool_config config;
	char directory[SPOOL_PATH_MAX];
	int dir_fd, lock_fd, cursor_fd;
	struct spool_file_state *state; // mapped, or memory where the disk refused
	bool state_mapped, state_fresh;
	uint64_t boot;

	pthread_mutex_t mutex; // of all up to the next line
	pthread_cond_t more;
	struct spool_segment *oldest, *newest;
	unsigned segments;
	uint64_t memory_bytes;
	uint64_t thinned;        // so many times a segment was
	struct spool_place at;   // of the reader
	struct spool_file_cursor cursor;
	struct spool_stats stats;

	pthread_mutex_t seeing; // within the other; of
	struct spool_stats seen; // for who asks

	// the writer's own
	struct spool_segment *active;  // newest one if it can still be written to
	uint8_t *pending;              // not yet committed
	size_t pending_used;
	struct spool_id pending_last[SPOOL_STREAMS];
	bool pending_has[SPOOL_STREAMS];
	struct spool_id last[SPOOL_STREAMS];      // given out
	struct spool_id committed[SPOOL_STREAMS]; // visible to the reader
	uint64_t appended, told_lost;  // records; ids that were never appended
	_Atomic uint64_t boot_wanted;  // by the reader: the receiver knows later ids than this run's
	uint8_t *unsynced;             // committed since the last fsync
	size_t unsynced_used;
	uint64_t next_sync_ns, next_retry_ns, next_look_ns, next_number;
	unsigned gaps[SPOOL_STREAMS];
	bool gaps_more[SPOOL_STREAMS]; // than there was room for; behind them
	struct spool_gap gap[SPOOL_STREAMS][SPOOL_GAPS_MAX]; // told as soon as there is room

	// the reader's own
	uint8_t *room[2];
	struct spool_id had[SPOOL_STREAMS];       // what the receiver said it has
	struct spool_place done;                  // behind what was acknowledged last, or where a rewind began
	uint64_t rewound_segment, rewound_offset; // the cursor when it did
};

// spool_crc.c: CRC-32C (Castagnoli), as iSCSI has it (RFC 3720, appendix B.4)
uint32_t spool_crc(uint32_t crc, const void *bytes, size_t n);

// spool_segment.c
void spool_segment_name(uint64_t number, const char *suffix, char out[SPOOL_NAME_MAX]);
uint32_t spool_header_crc(const struct spool_file_header *h);
// A sound entry at `at` with `left` bytes: its size; 0: the end; -EBADMSG: damaged.
int spool_entry_look(const uint8_t *at, size_t left, struct spool_file_entry *out);
size_t spool_entry_skip(const uint8_t *at, size_t left); // from a damaged one to the next; 0: it cannot be found
size_t spool_entry_put(uint8_t *at, const struct spool_file_entry *e, const void *payload); // fills size and crc
int spool_segment_create(struct spool *s, struct spool_segment **out, int *error); // on disk; -errno in *error
struct spool_segment *spool_segment_memory(struct spool *s); // NULL: the bound is reached
void spool_segment_fd(struct spool *s, struct spool_segment *seg);      // locked: opens it, if it can be
ssize_t spool_segment_read(const struct spool_segment *seg, void *out, size_t n, uint64_t offset); // of one that is open
void spool_segment_push(struct spool *s, struct spool_segment *seg);    // locked
void spool_segment_drop(struct spool *s, struct spool_segment *seg);    // locked: out of the list and off the disk
void spool_segment_put(struct spool *s, struct spool_segment *seg);     // locked: a user less
void spool_segment_aside(struct spool *s, struct spool_segment *seg, uint64_t offset, size_t n); // bytes that cannot be read
struct spool_segment *spool_segment_find(struct spool *s, uint64_t number); // locked: that one or the next; NULL

// spool_ends.c: ids of a stream in (from, to]
uint64_t spool_end_of(const struct spool *s, unsigned stream, uint64_t boot); // of a former one; 0: not known
void spool_end_learn(struct spool *s, unsigned stream, struct spool_id id);
// The first of them, as far as they are of one boot; false: there are none.
bool spool_hole_next(const struct spool *s, unsigned stream, struct spool_id from, struct spool_id to, struct spool_file_entry *hole);
// Tombstones for all of them. cause: of those of boot `boot` of which nothing better is known.
void spool_holes_put(struct spool *s, unsigned stream, struct spool_id from, struct spool_id to, uint64_t boot, enum spool_cause cause);
enum spool_cause spool_hole_cause(const struct spool *s, unsigned stream, struct spool_id last, enum spool_cause otherwise);
uint64_t spool_ids_between(const struct spool *s, unsigned stream, struct spool_id from, struct spool_id to);

// spool_state.c
bool spool_disk_refuses(int error); // the disk, not who asks
int spool_folder_open(struct spool *s, struct err *err);
int spool_newer(const struct spool *s, uint32_t version, struct err *err); // -EPROTONOSUPPORT
int spool_state_open(struct spool *s, struct err *err);
void spool_state_again(struct spool *s);
void spool_state_sync(struct spool *s); // and the names in the folder
void spool_state_close(struct spool *s);
void spool_cursor_read(struct spool *s);
void spool_cursor_write(struct spool *s, bool sync);
bool spool_machine_same(const struct spool *s); // the state was written since this machine started
void spool_machine_put(struct spool *s);

// spool_recover.c
int spool_recover(struct spool *s, struct err *err);

// spool_room.c: quota and retention; the writer's thread, locked
void spool_room_retained(struct spool *s, uint64_t keep_bytes);
bool spool_room_make(struct spool *s); // drops the oldest that waits; false: there is none
uint64_t spool_room_waiting(const struct spool *s); // bytes

// spool_write.c
void spool_disk_failed(struct spool *s, int error, const char *what);
void spool_finish(struct spool *s); // synced and sealed
void spool_put_entry(struct spool *s, const struct spool_file_entry *e, const void *payload);

int spool_id_compare(struct spool_id a, struct spool_id b);

#endif
