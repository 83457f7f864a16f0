// RSA OAEP with a label (RFC 8017 §7.1.1), which swift-crypto does not offer. Nothing else of OpenSSL is in use.
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

/// Encrypts `message` to an RSA key (SubjectPublicKeyInfo in DER); the hash, by its name, is the mask's too. `*size` is
/// the room in `ciphertext` before and what was written after. 1, or 0 with nothing left in `ciphertext`.
static inline int rsa_oaep_encrypt(
    const unsigned char *key, size_t key_size, const char *hash, const unsigned char *label, size_t label_size,
    const unsigned char *message, size_t message_size, unsigned char *ciphertext, size_t *size) {
  size_t room = *size;
  int done = 0;
  const unsigned char *next = key;
  EVP_PKEY *pkey = NULL;
  EVP_PKEY_CTX *context = NULL;
  const EVP_MD *md = EVP_get_digestbyname(hash);
  void *owned = NULL;
  if (md == NULL || key_size > 1024 || label_size == 0 || label_size > 64) goto end;
  pkey = d2i_PUBKEY(NULL, &next, (long)key_size);
  if (pkey == NULL || next != key + key_size || EVP_PKEY_get_base_id(pkey) != EVP_PKEY_RSA) goto end;
  context = EVP_PKEY_CTX_new(pkey, NULL);
  if (context == NULL || EVP_PKEY_encrypt_init(context) != 1) goto end;
  if (EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) != 1) goto end;
  if (EVP_PKEY_CTX_set_rsa_oaep_md(context, md) != 1 || EVP_PKEY_CTX_set_rsa_mgf1_md(context, md) != 1) goto end;
  owned = OPENSSL_memdup(label, label_size);
  if (owned == NULL || EVP_PKEY_CTX_set0_rsa_oaep_label(context, owned, (int)label_size) != 1) goto end;
  owned = NULL;  // The context frees it.
  // It checks the room itself, and writes nothing where there is too little.
  done = EVP_PKEY_encrypt(context, ciphertext, size, message, message_size) == 1;
end:
  OPENSSL_free(owned);
  EVP_PKEY_CTX_free(context);
  EVP_PKEY_free(pkey);
  ERR_clear_error();
  if (!done) {
    OPENSSL_cleanse(ciphertext, room);
    *size = 0;
  }
  return done;
}
