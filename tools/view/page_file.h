/* page_file.h - a page on its way to the disk.
 *
 * The text goes to a temporary file beside the wanted one and takes its name only when all of it is
 * there: a page is whole, or is not.  (What is not a regular file, such as a pipe, is written to
 * directly.)  Data is compressed (zlib) and written as base64.  Errors are kept and told once, by
 * page_file_finish(). */
#ifndef PAGE_FILE_H
#define PAGE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct page_file;

/* Begins a page that will be named path.  Returns NULL and a negative errno in *ret_err. */
struct page_file *page_file_make(const char *path, int *ret_err);

/* Plain text, as it is. */
void page_file_text(struct page_file *f, const void *p, size_t n);

/* Data; page_file_data_end() once after the last. */
void page_file_data(struct page_file *f, const void *p, size_t n);
void page_file_data_end(struct page_file *f);

/* Gives the page its name, when keep is set and nothing failed, else removes what there is.  Frees
 * f.  Returns 0 or the first error as a negative errno; stores the size of the page. */
int page_file_finish(struct page_file *f, bool keep, uint64_t *ret_size);

#endif
