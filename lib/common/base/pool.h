// A fixed number of blocks of one size, taken and given back by index, for one thread. Memory is the caller's; an empty pool is a
// plain answer, counted, never an error.
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { POOL_NONE = UINT32_MAX };

struct pool {
	uint8_t *blocks;
	uint32_t *free;      // stack of free indices
	uint32_t block_size, capacity, available;
	uint32_t lowest;     // fewest that were ever available
	uint64_t refused;    // asked for while empty
	uint32_t fault_every, fault_in; // tests: every so many-th request is refused as if it were empty; 0: none
};

// Bytes that pool_init needs at memory (64-byte aligned) for capacity blocks.
static inline size_t pool_bytes(uint32_t block_size, uint32_t capacity)
{
	return (size_t)block_size * capacity + sizeof(uint32_t) * capacity;
}

static inline void pool_init(struct pool *pool, void *memory, uint32_t block_size, uint32_t capacity)
{
	*pool = (struct pool){.blocks = memory, .block_size = block_size, .capacity = capacity, .available = capacity, .lowest = capacity};
	pool->free = (uint32_t *)(void *)(pool->blocks + (size_t)block_size * capacity);
	for (uint32_t i = 0; i < capacity; i++)
		pool->free[i] = capacity - 1 - i;
}

static inline bool pool_faulty(struct pool *pool)
{
	if (pool->fault_every == 0 || --pool->fault_in > 0)
		return false;
	pool->fault_in = pool->fault_every;
	return true;
}

static inline void pool_fault_set(struct pool *pool, uint32_t every)
{
	pool->fault_every = pool->fault_in = every;
}

static inline uint32_t pool_get(struct pool *pool)
{
	if (pool->available == 0 || pool_faulty(pool)) {
		pool->refused++;
		return POOL_NONE;
	}
	pool->available--;
	if (pool->available < pool->lowest)
		pool->lowest = pool->available;
	return pool->free[pool->available];
}

static inline void pool_put(struct pool *pool, uint32_t index)
{
	pool->free[pool->available++] = index;
}

static inline void *pool_at(const struct pool *pool, uint32_t index)
{
	return pool->blocks + (size_t)index * pool->block_size;
}

#endif
