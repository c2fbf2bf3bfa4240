// Producing a single record with headers, for the rare ones.
#ifndef LAMINAR_LETTER_H
#define LAMINAR_LETTER_H

#include "client.h"

// Texts that become headers: names and values end to end, each ended by a zero.
// value and key are NULL for null. 0 or an error code.
int lk_letter(lk_client *, const char *headers, int32_t n_headers, const char *key, size_t key_len, const char *value,
	size_t len);

#endif
