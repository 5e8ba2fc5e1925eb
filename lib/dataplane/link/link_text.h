// Texts and lists as discovery protocols have them. Within the layer.
#ifndef LINK_LINK_TEXT_H
#define LINK_LINK_TEXT_H

#include "base/text.h"
#include "record/l7.h"

enum { LINK_TEXT_MAX = 1024, LINK_LIST_MAX = 512 };

// Without the NULs that some write behind it. The first one told stays.
void link_text_set(struct l7 *l7, struct record_text *text, struct span in);

// Appends to a comma separated list; an element that does not fit is left out whole.
void link_list_add(struct text_builder *list, const char *text);
// version 4 or 6; an address of another length than its version's is left out.
void link_list_add_address(struct text_builder *list, uint8_t version, struct span address);
// Names of the bits set, lowest first; a NULL name is left out.
void link_list_add_bits(struct text_builder *list, uint32_t bits, const char *const *names, unsigned count);
void link_list_set(struct l7 *l7, struct record_text *text, const struct text_builder *list);

#endif
