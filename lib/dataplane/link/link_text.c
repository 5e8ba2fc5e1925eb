#include "link/link_text.h"

#include "record/record_names.h"

void link_text_set(struct l7 *l7, struct record_text *text, struct span in)
{
	while (in.left > 0 && in.at[in.left - 1] == 0)
		in.left--;
	if (text->len == 0)
		*text = l7_text(l7, in, LINK_TEXT_MAX);
}

static void list_add_bytes(struct text_builder *list, const char *bytes, size_t len)
{
	if (len + 1 > list->room - list->used)
		return;
	if (list->used > 0)
		text_put(list, ",");
	text_put_bytes(list, bytes, len);
}

void link_list_add(struct text_builder *list, const char *text)
{
	list_add_bytes(list, text, strlen(text));
}

void link_list_add_address(struct text_builder *list, uint8_t version, struct span address)
{
	char out[RECORD_ADDRESS_MAX];
	uint32_t length = address.left;
	const uint8_t *bytes = span_bytes(&address, length);

	if (bytes == NULL || length != (version == 4 ? 4u : 16u))
		return;
	list_add_bytes(list, out, (size_t)(record_address_put(out, version, bytes) - out));
}

void link_list_add_bits(struct text_builder *list, uint32_t bits, const char *const *names, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if ((bits & 1u << i) != 0 && names[i] != NULL)
			link_list_add(list, names[i]);
}

void link_list_set(struct l7 *l7, struct record_text *text, const struct text_builder *list)
{
	if (text->len == 0 && list->used > 0)
		*text = l7_text_bytes(l7, list->at, (uint32_t)list->used, LINK_LIST_MAX);
}
