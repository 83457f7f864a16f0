// The way to a TPM (TCG TSS 2.0 TAB and TCTI): commands go there and responses come back as their bytes. Nothing else of
// libtss2 is in use.
#include <tss2/tss2_tctildr.h>

// What is a macro there.
static inline TSS2_RC tcti_transmit(TSS2_TCTI_CONTEXT *context, size_t size, const uint8_t *command) {
  return Tss2_Tcti_Transmit(context, size, command);
}

// Waits for the response.
static inline TSS2_RC tcti_receive(TSS2_TCTI_CONTEXT *context, size_t *size, uint8_t *response) {
  return Tss2_Tcti_Receive(context, size, response, TSS2_TCTI_TIMEOUT_BLOCK);
}
