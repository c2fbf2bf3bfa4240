// Which topic it is that has a name now.
#ifndef LAMINAR_IDENTITY_H
#define LAMINAR_IDENTITY_H

#include "client.h"

// The client's topic's id in base64, empty where the brokers give none, and its
// number of partitions; 0 or an error code.
int lk_describe(lk_client *, int timeout_ms, char *id, size_t len, int32_t *partitions);

#endif
