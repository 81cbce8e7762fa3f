/* The hub's certificate authority for those who ask it. */
#include "vault/api/api.h"

static bool may(struct roles *roles, const struct caller *who, enum action action) {
  char assignment[GUID_SIZE + 1];
  return role_decide(roles, who, action, "/", assignment);
}

err_t api_may_issue(struct ca *ca, struct roles *roles, const struct caller *who,
                    enum ca_profile profile, const struct cert_profile *says) {
  if (may(roles, who, ACT_CA_WRITE))
    return OK;
  if (!may(roles, who, ACT_CA_ISSUE))
    REFUSE(ERR_ACCESS_DENIED,
           "The caller may not have certificates of the hub's authority: it "
           "lacks a role with the action '%s'.",
           action_name(ACT_CA_ISSUE));
  return ca_check_names(ca, who->oid, profile, says);
}

err_t call_may_issue(struct call *c, enum ca_profile profile, const struct cert_profile *says) {
  return api_may_issue(c->api->ca, c->api->roles, &c->who, profile, says);
}
