/* page.h - the page's text, before and after the data; made by embed.py. */
#ifndef PAGE_H
#define PAGE_H

#include <stddef.h>

extern const unsigned char page_head[], page_tail[];
extern const size_t page_head_len, page_tail_len;

#endif
