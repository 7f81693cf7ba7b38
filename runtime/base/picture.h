/* picture.h - a look at words that others may be writing, and that it may show torn: a dump, say.
 * Stock ThreadSanitizer is told not to mind, when our own code is built for it. */
#ifndef BASE_PICTURE_H
#define BASE_PICTURE_H

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define PICTURE_TOLD 1
#endif
#endif
#if defined(__SANITIZE_THREAD__) || defined(PICTURE_TOLD)
void AnnotateIgnoreReadsBegin(const char *file, int line);
void AnnotateIgnoreReadsEnd(const char *file, int line);
#define san_picture_begin() AnnotateIgnoreReadsBegin(__FILE__, __LINE__)
#define san_picture_end()   AnnotateIgnoreReadsEnd(__FILE__, __LINE__)
#else
#define san_picture_begin() ((void)0)
#define san_picture_end()   ((void)0)
#endif

#endif
