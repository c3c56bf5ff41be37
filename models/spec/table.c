/* The expansion. A table is built by including its rows with THIS set to its struct; a nested table
 * is defined before the one that names it, in the order of spec.h. */
#include "models/spec/table.h"

#include <string.h>

#define CHOICES(tag) static const struct table_choice tag##_items[] = {
#define ITEM(tag, enumerator, word, doc) {word, doc},
#define CHOICES_END(tag)                                                                           \
    }                                                                                              \
    ;                                                                                              \
    static const struct table_choices tag##_choices = {#tag, tag##_items, COUNT_OF(tag##_items)};
#include "models/spec/rows/choices.def"
#undef CHOICES
#undef ITEM
#undef CHOICES_END

static const struct table_choices *const all_choices[] = {
#define CHOICES(tag) &tag##_choices,
#define ITEM(tag, enumerator, word, doc)
#define CHOICES_END(tag)
#include "models/spec/rows/choices.def"
#undef CHOICES
#undef ITEM
#undef CHOICES_END
};

#define REQUIRED NULL
#define BOTH SPEC_BOTH
#define SIM SPEC_SIM
#define REAL SPEC_REAL
#define PLAN SPEC_PLAN

#define FIELD(type_, name_, unit_, standard_, lowest_, highest_, used_by_, doc_)                   \
    {.kind = TABLE_FIELD,                                                                          \
     .type = TABLE_##type_,                                                                        \
     .name = #name_,                                                                               \
     .offset = offsetof(struct THIS, name_),                                                       \
     .unit = unit_,                                                                                \
     .standard = standard_,                                                                        \
     .lowest = lowest_,                                                                            \
     .highest = highest_,                                                                          \
     .used_by = used_by_,                                                                          \
     .doc = doc_},
#define CHOICE(tag_, name_, standard_, used_by_, doc_)                                             \
    {.kind = TABLE_CHOICE,                                                                         \
     .name = #name_,                                                                               \
     .offset = offsetof(struct THIS, name_),                                                       \
     .unit = "",                                                                                   \
     .standard = standard_,                                                                        \
     .lowest = "",                                                                                 \
     .highest = "",                                                                                \
     .used_by = used_by_,                                                                          \
     .doc = doc_,                                                                                  \
     .choices = &tag_##_choices},
#define OBJECT(tag_, name_, doc_)                                                                  \
    {.kind = TABLE_OBJECT,                                                                         \
     .name = #name_,                                                                               \
     .offset = offsetof(struct THIS, name_),                                                       \
     .doc = doc_,                                                                                  \
     .table = &tag_##_table},
#define OPTIONAL(tag_, name_, doc_)                                                                \
    {.kind = TABLE_OPTIONAL,                                                                       \
     .name = #name_,                                                                               \
     .offset = offsetof(struct THIS, name_),                                                       \
     .companion_offset = offsetof(struct THIS, has_##name_),                                       \
     .doc = doc_,                                                                                  \
     .table = &tag_##_table},
#define MAP(tag_, name_, max_, doc_)                                                               \
    {.kind = TABLE_MAP,                                                                            \
     .name = #name_,                                                                               \
     .offset = offsetof(struct THIS, name_),                                                       \
     .companion_offset = offsetof(struct THIS, name_##_count),                                     \
     .doc = doc_,                                                                                  \
     .table = &tag_##_table,                                                                       \
     .entries_max = max_},

#define TABLE(tag_, title_)                                                                        \
    static const struct table tag_##_table = {.tag = #tag_,                                        \
                                              .title = title_,                                     \
                                              .rows = tag_##_rows,                                 \
                                              .count = COUNT_OF(tag_##_rows),                      \
                                              .bytes = sizeof(struct spec_##tag_)};

#define THIS spec_stall
static const struct table_row stall_rows[] = {
#include "models/spec/rows/stall.def"
};
TABLE(stall, "a stall")
#undef THIS

#define THIS spec_receive
static const struct table_row receive_rows[] = {
#include "models/spec/rows/receive.def"
};
TABLE(receive, "how clients read")
#undef THIS

#define THIS spec_arrival
static const struct table_row arrival_rows[] = {
#include "models/spec/rows/arrival.def"
};
TABLE(arrival, "arrivals")
#undef THIS

#define THIS spec_session
static const struct table_row session_rows[] = {
#include "models/spec/rows/session.def"
};
TABLE(session, "a session")
#undef THIS

#define THIS spec_flap
static const struct table_row flap_rows[] = {
#include "models/spec/rows/flap.def"
};
TABLE(flap, "connections that break")
#undef THIS

#define THIS spec_reconnect
static const struct table_row reconnect_rows[] = {
#include "models/spec/rows/reconnect.def"
};
TABLE(reconnect, "how clients come back")
#undef THIS

#define THIS spec_population
static const struct table_row population_rows[] = {
#include "models/spec/rows/population.def"
};
TABLE(population, "a population")
#undef THIS

#define THIS spec_unread
static const struct table_row unread_rows[] = {
#include "models/spec/rows/unread.def"
};
TABLE(unread, "an unread count")
#undef THIS

#define THIS spec_room_group
static const struct table_row room_group_rows[] = {
#include "models/spec/rows/room_group.def"
};
TABLE(room_group, "a room group")
#undef THIS

#define THIS spec_ephemeral
static const struct table_row ephemeral_rows[] = {
#include "models/spec/rows/ephemeral.def"
};
TABLE(ephemeral, "ephemeral signals")
#undef THIS

#define THIS spec_traffic
static const struct table_row traffic_rows[] = {
#include "models/spec/rows/traffic.def"
};
TABLE(traffic, "a traffic")
#undef THIS

#define THIS spec_turn
static const struct table_row turn_rows[] = {
#include "models/spec/rows/turn.def"
};
TABLE(turn, "a turn of the loop")
#undef THIS

#define THIS spec_send_queue
static const struct table_row send_queue_rows[] = {
#include "models/spec/rows/send_queue.def"
};
TABLE(send_queue, "a send queue")
#undef THIS

#define THIS spec_deflate
static const struct table_row deflate_rows[] = {
#include "models/spec/rows/deflate.def"
};
TABLE(deflate, "compression")
#undef THIS

#define THIS spec_kernel
static const struct table_row kernel_rows[] = {
#include "models/spec/rows/kernel.def"
};
TABLE(kernel, "a node's kernel")
#undef THIS

#define THIS spec_batch
static const struct table_row batch_rows[] = {
#include "models/spec/rows/batch.def"
};
TABLE(batch, "a batch")
#undef THIS

#define THIS spec_feed
static const struct table_row feed_rows[] = {
#include "models/spec/rows/feed.def"
};
TABLE(feed, "a feed")
#undef THIS

#define THIS spec_node
static const struct table_row node_rows[] = {
#include "models/spec/rows/node.def"
};
TABLE(node, "a node")
#undef THIS

#define THIS spec_balancer
static const struct table_row balancer_rows[] = {
#include "models/spec/rows/balancer.def"
};
TABLE(balancer, "the balancer")
#undef THIS

#define THIS spec_backplane
static const struct table_row backplane_rows[] = {
#include "models/spec/rows/backplane.def"
};
TABLE(backplane, "the backplane")
#undef THIS

#define THIS spec_fault
static const struct table_row fault_rows[] = {
#include "models/spec/rows/fault.def"
};
TABLE(fault, "a fault")
#undef THIS

#define THIS spec_delivery
static const struct table_row delivery_rows[] = {
#include "models/spec/rows/delivery.def"
};
TABLE(delivery, "the objective of delivery")
#undef THIS

#define THIS spec_objectives
static const struct table_row objectives_rows[] = {
#include "models/spec/rows/objectives.def"
};
TABLE(objectives, "objectives")
#undef THIS

#define THIS spec_presence_churn
static const struct table_row presence_churn_rows[] = {
#include "models/spec/rows/presence_churn.def"
};
TABLE(presence_churn, "members who come and go")
#undef THIS

#define THIS spec_presence
static const struct table_row presence_rows[] = {
#include "models/spec/rows/presence.def"
};
TABLE(presence, "presence")
#undef THIS

#define THIS spec_window
static const struct table_row window_rows[] = {
#include "models/spec/rows/window.def"
};
TABLE(window, "the window")
#undef THIS

#define THIS spec_prices
static const struct table_row prices_rows[] = {
#include "models/spec/rows/prices.def"
};
TABLE(prices, "prices")
#undef THIS

#define THIS spec_uncertain
static const struct table_row uncertain_rows[] = {
#include "models/spec/rows/uncertain.def"
};
TABLE(uncertain, "an uncertain field")
#undef THIS

#define THIS spec_plan
static const struct table_row plan_rows[] = {
#include "models/spec/rows/plan.def"
};
TABLE(plan, "what is planned for")
#undef THIS

#define THIS spec_machine
static const struct table_row machine_rows[] = {
#include "models/spec/rows/machine.def"
};
TABLE(machine, "the machine")
#undef THIS

#define THIS spec_scenario
static const struct table_row scenario_rows[] = {
#include "models/spec/rows/scenario.def"
};
#undef THIS

const struct table table_scenario = {.tag = "scenario",
                                     .title = "a scenario",
                                     .rows = scenario_rows,
                                     .count = COUNT_OF(scenario_rows),
                                     .bytes = sizeof(struct spec_scenario)};

const struct table *const table_all[] = {
    &stall_table,          &receive_table,   &arrival_table,    &session_table,
    &flap_table,           &reconnect_table, &population_table, &unread_table,
    &room_group_table,     &ephemeral_table, &traffic_table,    &turn_table,
    &send_queue_table,     &kernel_table,    &deflate_table,    &batch_table,
    &feed_table,           &node_table,      &balancer_table,   &backplane_table,
    &presence_churn_table, &presence_table,  &fault_table,      &delivery_table,
    &objectives_table,     &window_table,    &prices_table,     &uncertain_table,
    &plan_table,           &machine_table,   &table_scenario,
};
const int32_t table_all_count = COUNT_OF(table_all);

#define THIS spec_axis
static const struct table_row axis_rows[] = {
#include "models/spec/rows/axis.def"
};
TABLE(axis, "an axis")
#undef THIS

#define THIS spec_study
static const struct table_row study_rows[] = {
#include "models/spec/rows/study.def"
};
#undef THIS

const struct table table_study = {.tag = "study",
                                  .title = "a study",
                                  .rows = study_rows,
                                  .count = COUNT_OF(study_rows),
                                  .bytes = sizeof(struct spec_study)};

const struct table *const table_study_all[] = {&axis_table, &table_study};
const int32_t table_study_all_count = COUNT_OF(table_study_all);

/* A C keyword as a member's name carries an underscore that its key does not. */
static const char *const keywords[] = {"for",  "if",       "do",     "default", "switch",
                                       "case", "register", "static", "double",  "int"};

const char *table_key(const struct table_row *row) {
    size_t length = strlen(row->name);
    if (row->name[length - 1] != '_')
        return row->name;
    for (size_t i = 0; i < COUNT_OF(keywords); i++)
        if (strlen(keywords[i]) == length - 1 && memcmp(keywords[i], row->name, length - 1) == 0)
            return keywords[i];
    return row->name;
}

const struct table_row *table_find(const struct table *table, const char *key) {
    for (int32_t i = 0; i < table->count; i++)
        if (strcmp(table_key(&table->rows[i]), key) == 0)
            return &table->rows[i];
    return NULL;
}

const struct table_choices *table_choices_of(const char *tag) {
    for (size_t i = 0; i < COUNT_OF(all_choices); i++)
        if (strcmp(all_choices[i]->tag, tag) == 0)
            return all_choices[i];
    return NULL;
}

void *table_member(const struct table_row *row, void *base) {
    return (char *)base + row->offset;
}

const void *table_member_const(const struct table_row *row, const void *base) {
    return (const char *)base + row->offset;
}

bool *table_has(const struct table_row *row, void *base) {
    return (bool *)((char *)base + row->companion_offset);
}

int32_t *table_entries_count(const struct table_row *row, void *base) {
    return (int32_t *)(void *)((char *)base + row->companion_offset);
}

bool table_has_const(const struct table_row *row, const void *base) {
    return *(const bool *)((const char *)base + row->companion_offset);
}

int32_t table_entries_count_const(const struct table_row *row, const void *base) {
    return *(const int32_t *)(const void *)((const char *)base + row->companion_offset);
}

/* Pointers to structs of different types: copied as bytes, never dereferenced as another type. */
char *table_entries(const struct table_row *row, const void *base) {
    char *entries;
    memcpy(&entries, table_member_const(row, base), sizeof entries);
    return entries;
}

void table_set_entries(const struct table_row *row, void *base, void *entries) {
    memcpy(table_member(row, base), &entries, sizeof entries);
}

const char *table_entry_name(const void *entry) {
    const char *name;
    memcpy(&name, entry, sizeof name);
    return name;
}

const char *spec_word(const char *choice_tag, int value) {
    const struct table_choices *choices = table_choices_of(choice_tag);
    return choices && value >= 0 && value < choices->count ? choices->items[value].word : "?";
}
