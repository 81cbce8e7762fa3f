#include "transit/vpn/policy.h"

/* Azure's gateways take these of its list of cryptographic requirements, and have these lifetimes
 * unless they are told others. */
static const struct vpn_policy policies[] = {
  { .name = "strict",
    .ike = "aes256gcm16-prfsha384-ecp384",
    .esp = "aes256gcm16-ecp384",
    .ike_s = 4 * 3600,
    .reauth_s = 12 * 3600,
    .esp_s = 3600,
    .azure = "--ike-encryption GCMAES256 --ike-integrity SHA384 --dh-group ECP384 "
             "--ipsec-encryption GCMAES256 --ipsec-integrity GCMAES256 --pfs-group ECP384" },
  { .name = "azure",
    .ike = "aes256gcm16-prfsha384-ecp384,aes256-sha384-ecp384,aes256-sha256-ecp384,"
           "aes256gcm16-prfsha384-modp2048,aes256-sha384-modp2048,aes256-sha256-modp2048",
    .esp = "aes256gcm16-ecp384,aes256gcm16-modp2048,aes256-sha256-ecp384,aes256-sha256-modp2048",
    .ike_s = 28800,
    .esp_s = 27000,
    .any_purpose = true,
    .azure = "--ike-encryption GCMAES256 --ike-integrity SHA384 --dh-group ECP384 "
             "--ipsec-encryption GCMAES256 --ipsec-integrity GCMAES256 --pfs-group ECP384" },
};

const struct vpn_policy *vpn_policy_find(const char *name) {
  for (size_t i = 0; i < sizeof policies / sizeof *policies; i++)
    if (strcmp(policies[i].name, name) == 0)
      return &policies[i];
  return NULL;
}
