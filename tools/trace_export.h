/* trace_export.h - writers of other tools' formats, one function each. */
#ifndef TRACE_EXPORT_H
#define TRACE_EXPORT_H

#include <stdio.h>
#include "reader.h"

/* Reads r to its end and writes it to out.  The caller looks at ferror(out). */
void trace_export_go(struct tr_reader *r, FILE *out);
void trace_export_csv(struct tr_reader *r, FILE *out);
void trace_export_json(struct tr_reader *r, FILE *out);

#endif
