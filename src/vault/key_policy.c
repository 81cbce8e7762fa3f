/*
 * Rotation policies. Durations are ISO 8601 in years, months, weeks and
 * days, added by the calendar.
 */
#include "base/clock.h"
#include "vault/key_internal.h"

#include <time.h>

#define DAY 86400
#define MIN_DAYS 7
#define MIN_EXPIRY_DAYS 28
#define MAX_YEARS 100

struct duration {
  int years, months, days;
};

/* "P" then numbers with Y, M, W, D in this order, at least one of them. */
static bool duration_parse(const char *iso, struct duration *out) {
  static const char units[] = "YMWD";
  int parts[4] = { 0 };
  size_t next = 0;
  const char *p = iso;
  if (*p++ != 'P' || *p == '\0')
    return false;
  while (*p) {
    int n = 0, digits = 0;
    for (; *p >= '0' && *p <= '9' && digits < 6; p++, digits++)
      n = n * 10 + (*p - '0');
    const char *u = *p ? strchr(units + next, *p) : NULL;
    if (digits == 0 || !u)
      return false;
    parts[u - units] = n;
    next = (size_t)(u - units) + 1;
    p++;
  }
  *out = (struct duration){ parts[0], parts[1], parts[2] * 7 + parts[3] };
  return out->years <= MAX_YEARS && out->months <= MAX_YEARS * 12 && out->days <= MAX_YEARS * 366;
}

bool duration_add(const char *iso, int sign, int64_t from, int64_t *out) {
  struct duration d;
  time_t t = (time_t)from;
  struct tm tm;
  if (!duration_parse(iso, &d) || from > OBJECT_TIME_MAX || !gmtime_r(&t, &tm))
    return false;
  int day = tm.tm_mday;
  tm.tm_mday = 1; /* the last day of a short month where the month has no such day */
  tm.tm_year += sign * d.years;
  tm.tm_mon += sign * d.months;
  time_t month = timegm(&tm);
  struct tm first = *gmtime_r(&month, &tm);
  static const int lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
  int year = first.tm_year + 1900;
  bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  int length = lengths[first.tm_mon] + (first.tm_mon == 1 && leap);
  *out = (int64_t)month + ((day < length ? day : length) - 1 + (int64_t)sign * d.days) * DAY;
  return true;
}

static bool at_least(const char *iso, int64_t days) {
  int64_t end;
  return duration_add(iso, 1, 0, &end) && end >= days * DAY;
}

static err_t check(const struct key_policy *p) {
  static const struct {
    const char *what;
    size_t offset;
    int days;
  } fields[] = {
    { "timeAfterCreate of Rotate", offsetof(struct key_policy, rotate_after), MIN_DAYS },
    { "timeBeforeExpiry of Rotate", offsetof(struct key_policy, rotate_before), MIN_DAYS },
    { "timeAfterCreate of Notify", offsetof(struct key_policy, notify_after), MIN_DAYS },
    { "timeBeforeExpiry of Notify", offsetof(struct key_policy, notify_before), MIN_DAYS },
    { "expiryTime", offsetof(struct key_policy, expiry), MIN_EXPIRY_DAYS },
  };
  struct duration d;
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
    const char *iso = (const char *)p + fields[i].offset;
    if (iso[0] && !duration_parse(iso, &d))
      REFUSE(ERR_BAD_PARAMETER,
             "%s must be an ISO 8601 duration in years, months, weeks or days, such as P90D.",
             fields[i].what);
    if (iso[0] && !at_least(iso, fields[i].days))
      REFUSE(ERR_BAD_PARAMETER, "%s must be at least %d days.", fields[i].what, fields[i].days);
  }
  if (p->rotate_before[0] && !p->expiry[0])
    REFUSE(ERR_BAD_PARAMETER, "A Rotate action with timeBeforeExpiry needs attributes.expiryTime.");
  return OK;
}

/* The new version must be there a week before the old one expires. */
static err_t check_margin(const struct key_policy *p) {
  int64_t expiry, when;
  if (!p->expiry[0] || !duration_add(p->expiry, 1, 0, &expiry))
    return OK;
  bool late = (p->rotate_after[0] && duration_add(p->rotate_after, 1, 0, &when) &&
               when > expiry - MIN_DAYS * DAY) ||
              (p->rotate_before[0] && duration_add(p->rotate_before, 1, 0, &when) &&
               when > expiry - MIN_DAYS * DAY);
  if (late)
    REFUSE(ERR_BAD_PARAMETER,
           "Rotation must happen at least %d days after creation and %d days before expiry.",
           MIN_DAYS, MIN_DAYS);
  return OK;
}

err_t keys_policy_get(struct vault *v, const char *name, struct key_policy *out) {
  char folded[OBJECT_NAME_MAX + 1];
  name_fold(name, folded);
  READ_LOCKED(v);
  const struct entry *e = settled_entry(v, KIND_KEY, folded);
  if (!e)
    return object_not_found(KIND_KEY, name, "");
  *out = key_entry_of(e)->policy;
  if (!out->created) /* never set: the service's default */
    memcpy(out->notify_before, "P30D", 5);
  return OK;
}

static void set_policy(struct entry *e, const void *value) {
  key_entry_of(e)->policy = *(const struct key_policy *)value;
}

err_t keys_policy_set(struct vault *v, const char *name, struct key_policy *policy) {
  char folded[OBJECT_NAME_MAX + 1];
  struct entry *found;
  TRY(check(policy));
  TRY(check_margin(policy));
  if (!policy->notify_after[0] && !policy->notify_before[0])
    memcpy(policy->notify_before, "P30D", 5); /* the service adds it */
  name_fold(name, folded);
  AUTO_STRIPE stripe = stripe_lock(v, folded);
  TRY(active_entry(v, KIND_KEY, name, folded, &found));
  TRY(change_managed(found->latest, "setRotationPolicy"));
  const struct key_policy *present = &key_entry_of(found)->policy;
  policy->updated = clock_now();
  policy->created = present->created ? present->created : policy->updated;
  return change_commit(
    v, folded, &(struct change){ .set_head = set_policy, .value = policy, .head_kind = KIND_KEY });
}
