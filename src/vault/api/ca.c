/* The hub's certificate authority for those who ask it. */
#include "vault/api/api.h"

static bool may(struct call *c, enum action action) {
  char assignment[GUID_SIZE + 1];
  return role_decide(c->api->identity, &c->who, action, "/", assignment);
}

err_t call_may_issue(struct call *c, enum ca_profile profile, const struct cert_profile *says) {
  if (may(c, ACT_CA_WRITE))
    return OK;
  if (!may(c, ACT_CA_ISSUE))
    REFUSE(ERR_ACCESS_DENIED,
           "The caller may not have certificates of the hub's authority: it "
           "lacks a role with the action '%s'.",
           action_name(ACT_CA_ISSUE));
  return ca_check_names(c->api->ca, c->who.oid, profile, says);
}
