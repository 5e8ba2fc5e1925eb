#include "worker/worker_counters.h"

const char *const worker_stage_names[STAGE_COUNTS] = {
	[STAGE_RECEIVE] = "receive",   [STAGE_DECODE] = "decode",   [STAGE_FILTER] = "filter",
	[STAGE_CHECKSUM] = "checksum", [STAGE_FRAGMENTS] = "fragments", [STAGE_STEER] = "steer",
	[STAGE_LOOKUP] = "lookup",
	[STAGE_COUNT] = "count",       [STAGE_CLASSIFY] = "classify", [STAGE_EXPIRE] = "expire",
	[STAGE_PUBLISH] = "publish",
};

const char *const worker_drop_names[DROP_COUNTS] = {
	[DROP_STEER_RING_FULL] = "steer_ring_full",
};
