// OASIS PKCS #11 v2.40 as p11-kit writes it: types and numbers alone. Modules are opened at run time, none is linked.
#include <p11-kit-1/p11-kit/pkcs11.h>
