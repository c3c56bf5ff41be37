/* A report as one HTML file that asks for nothing else: the page that the build made (cli/page has
 * the script, the style sheet and the content policy that names both by their hashes) with the
 * report between.
 *
 * Everything from the report is escaped here and nowhere else: as text, as an attribute, and as
 * JSON inside a script element, where "</script>" in somebody's room name must not end it. */
#ifndef HEADROOM_CLI_PAGE_H
#define HEADROOM_CLI_PAGE_H

#include "sim/base/attributes.h"
#include "sim/base/text.h"
#include "study/report.h"

/* The page's two markers. */
#define PAGE_TITLE "<!--headroom:title-->"
#define PAGE_BODY "<!--headroom:body-->"

/* The page that the build made, malloc'ed; NULL after having said what is missing. */
char *page_read(void) MUST_USE;

/* False: `page` has not both markers, each once. */
bool page_write(const struct report *report, const char *page, struct text *out) MUST_USE;

void page_add_json(struct text *out, const char *json_text); /* for a script element */

#endif
