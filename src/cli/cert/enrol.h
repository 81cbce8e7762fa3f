/*
 * The certificate that `cert issue` keeps: made when it is not there, and asked for anew when its
 * time has come and the vault did not renew it by itself.
 */
#ifndef CLI_CERT_ENROL_H
#define CLI_CERT_ENROL_H

#include "cli/cert/cert.h"

struct enrolment {
  const struct args *a; /* with the options of a policy */
  const char *name;
  struct client *client; /* NULL: to be opened */
  uint64_t asked_at;     /* monotonic microseconds: when a new version was asked for; 0: never */
};

/* The certificate as the vault has it, issued; made if it is not there. ERR_CONFLICT (FAILed with
 * what to do) when it lacks names that the options ask for, or waits for another authority. */
err_t enrolment_current(struct enrolment *e, struct client_answer *bundle);
/* If it is time, asks for a new version, which *bundle then is. */
err_t enrolment_renew(struct enrolment *e, struct client_answer *bundle);

#endif
