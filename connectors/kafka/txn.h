// Transactions of a producer.
#ifndef LAMINAR_TXN_H
#define LAMINAR_TXN_H

#include "client.h"

enum { LK_TXN_INIT, LK_TXN_BEGIN, LK_TXN_COMMIT, LK_TXN_ABORT };

// Why a step failed. Every error that is not retriable ends the producer's use,
// so that those which only need an abort are not told apart.
typedef struct {
	int32_t code; // 0: it did not
	int32_t retriable; // the same step may be called again to go on
	char text[LK_TEXT];
} lk_failure;

// Takes one step, waiting at most timeout_ms; begin does not wait.
void lk_txn(lk_client *, int step, int timeout_ms, lk_failure *out);
// Produces one record to a partition of another topic; 0 or an error code.
int lk_produce_to(lk_client *, const char *topic, int32_t partition, const char *key, size_t key_len,
	const char *value, size_t len);

#endif
