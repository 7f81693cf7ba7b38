/* race_sarif.h - reports as SARIF 2.1.0, for code hosts and CI. */
#ifndef RACE_SARIF_H
#define RACE_SARIF_H

#include "json.h"

/* Writes the reports of race_log.h.  Files below the directory `root` become relative to it. */
void race_sarif_write(const struct json *reports, const char *root, FILE *out);

#endif
