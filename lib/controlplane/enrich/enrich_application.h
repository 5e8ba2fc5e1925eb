// Which service a server's name belongs to: www.youtube.com is YouTube, of the category video. One list of domain suffixes
// (enrich_application_list.c) and, over it, a file of the user's. A suffix ends a name at a label: example.com is one of
// www.example.com and of itself, not of badexample.com. Of several the longest counts.
#ifndef ENRICH_ENRICH_APPLICATION_H
#define ENRICH_ENRICH_APPLICATION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "record/record.h"

struct enrich_suffix {
	const char *suffix; // lower case, no dot at either end
	const char *application, *category;
};

extern const struct enrich_suffix enrich_suffixes[];
extern const unsigned enrich_suffix_count;

// An application and what its flows came to.
struct enrich_application {
	char name[RECORD_APPLICATION_MAX + 1], category[RECORD_CATEGORY_MAX + 1]; // category: may be empty
	uint64_t flows, pkts, bytes;
	uint64_t flows_by_dns; // those whose name a DNS answer told
};

struct enrich_applications;

// path: of the user's file, NULL or empty: none. An error is a sentence that names file and line.
int enrich_applications_create(const char *path, struct enrich_applications **out, struct err *err);
void enrich_applications_destroy(struct enrich_applications *applications);

// That of a name, in any case of letters. NULL: no suffix fits. Good as long as the applications are.
struct enrich_application *enrich_application_find(const struct enrich_applications *applications, const char *name, uint32_t len);

unsigned enrich_application_count(const struct enrich_applications *applications);
const struct enrich_application *enrich_application_at(const struct enrich_applications *applications, unsigned i);

// Goes on counting where another list stopped, by application; what this one does not have is forgotten.
void enrich_applications_go_on(struct enrich_applications *applications, const struct enrich_applications *before);

#endif
