/*
 * libical's opinion of .ics files: does the object keep RFC 5546's table for its method, and did every line parse?
 * usage: restriction FILE.ics...; exit 1 with failures, 2 for usage.
 * It passes a CANCEL that has a VALARM or no ATTENDEE, and it mends bytes silently; calendar.py covers both.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <libical/ical.h>

static int failures;

static void fail(const char *file, const char *what)
{
    /* values may hold line breaks; one failure is one line */
    printf("%s: ", file);
    for (; *what; what++)
        putchar(*what == '\n' || *what == '\r' ? ' ' : *what);
    putchar('\n');
    failures++;
}

/* Both the parser and icalrestriction_check leave their findings as properties in the tree. */
static void report(const char *file, icalcomponent *component)
{
    const char *last = "";
    icalproperty *p = icalcomponent_get_first_property(component, ICAL_XLICERROR_PROPERTY);
    for (; p; p = icalcomponent_get_next_property(component, ICAL_XLICERROR_PROPERTY)) {
        const char *what = icalproperty_get_xlicerror(p);
        if (strcmp(what, last) != 0) /* some rules are checked once for every line of the table */
            fail(file, what);
        last = what;
    }
    icalcomponent *c = icalcomponent_get_first_component(component, ICAL_ANY_COMPONENT);
    for (; c; c = icalcomponent_get_next_component(component, ICAL_ANY_COMPONENT))
        report(file, c);
}

static char *read_file(const char *name)
{
    FILE *f = fopen(name, "rb");
    if (!f)
        return NULL;
    size_t size = 0, room = 1 << 16;
    char *text = malloc(room);
    while (text) {
        size += fread(text + size, 1, room - size - 1, f);
        if (size < room - 1)
            break;
        char *more = realloc(text, room *= 2);
        if (!more)
            free(text);
        text = more;
    }
    if (text && ferror(f)) {
        free(text);
        text = NULL;
    }
    fclose(f);
    if (text) {
        text[size] = '\0';
        if (strlen(text) != size) { /* the parser would stop there and call the rest fine */
            free(text);
            text = NULL;
            errno = EILSEQ;
        }
    }
    return text;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: %s FILE.ics...\n", argv[0]);
        return 2;
    }
    icalerror_set_errors_are_fatal(0);
    for (int i = 1; i < argc; i++) {
        char *text = read_file(argv[i]);
        if (!text) {
            fail(argv[i], strerror(errno));
            continue;
        }
        icalcomponent *root = icalparser_parse_string(text);
        free(text);
        if (!root) {
            fail(argv[i], "no calendar in it");
            continue;
        }
        if (icalcomponent_isa(root) != ICAL_VCALENDAR_COMPONENT)
            fail(argv[i], "not exactly one VCALENDAR");
        int before = failures;
        int valid = icalrestriction_check(root);
        report(argv[i], root);
        if (!valid && failures == before)
            fail(argv[i], "icalrestriction_check refused it without a reason");
        icalcomponent_free(root);
    }
    printf("%d calendars, %d failures\n", argc - 1, failures);
    return failures ? 1 : 0;
}
