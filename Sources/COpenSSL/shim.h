// What swift-crypto does not offer: RSA OAEP with a label (RFC 8017 §7.1.1), CMS EnvelopedData (RFC 5652 §6), and AES key wrap
// with padding (RFC 5649). Nothing else of OpenSSL is in use.
#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
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

/// What is needed once to encrypt to one certificate.
static inline CMS_ContentInfo *cms_envelope(X509 *certificate, BIO *content) {
  const unsigned flags = CMS_BINARY | CMS_PARTIAL | CMS_KEY_PARAM;
  CMS_ContentInfo *cms = CMS_encrypt(NULL, NULL, EVP_aes_256_cbc(), flags);
  CMS_RecipientInfo *recipient = cms == NULL ? NULL : CMS_add1_recipient_cert(cms, certificate, flags);
  EVP_PKEY_CTX *context = recipient == NULL ? NULL : CMS_RecipientInfo_get0_pkey_ctx(recipient);
  EVP_PKEY *key = X509_get0_pubkey(certificate);
  int done = 0;
  if (context == NULL || key == NULL) goto end;
  if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA) {
    done = EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_oaep_md(context, EVP_sha256()) == 1;
  } else if (EVP_PKEY_get_base_id(key) == EVP_PKEY_EC) {
    done = EVP_PKEY_CTX_set_ecdh_kdf_md(context, EVP_sha256()) == 1;
  }
  done = done && CMS_final(cms, content, NULL, flags) == 1;
end:
  if (done) return cms;
  CMS_ContentInfo_free(cms);
  return NULL;
}

/// Encrypts `message` to the key of a certificate (DER): CMS EnvelopedData with AES-256, the key of it by RSA OAEP or ECDH.
/// Returns how many bytes of DER stand in `envelope`, which has room for `room`; 0 where it cannot be.
static inline size_t cms_encrypt_to(
    const unsigned char *certificate, size_t certificate_size, const unsigned char *message, size_t message_size,
    unsigned char *envelope, size_t room) {
  size_t size = 0;
  const unsigned char *next = certificate;
  X509 *x509 = NULL;
  BIO *content = NULL;
  CMS_ContentInfo *cms = NULL;
  if (certificate_size > 65536 || message_size > 65536) goto end;
  x509 = d2i_X509(NULL, &next, (long)certificate_size);
  if (x509 == NULL || next != certificate + certificate_size) goto end;
  content = BIO_new_mem_buf(message, (int)message_size);
  if (content == NULL) goto end;
  cms = cms_envelope(x509, content);
  if (cms == NULL) goto end;
  int length = i2d_CMS_ContentInfo(cms, NULL);
  if (length <= 0 || (size_t)length > room) goto end;
  unsigned char *out = envelope;
  size = (size_t)i2d_CMS_ContentInfo(cms, &out);
end:
  CMS_ContentInfo_free(cms);
  BIO_free(content);
  X509_free(x509);
  ERR_clear_error();
  return size;
}

/// Unwraps a key by AES key wrap with padding (RFC 5649), under a key of 32 bytes. Returns how many bytes stand in `key`, which
/// has room for `wrapped_size`; 0 for whatever is wrong, with nothing left in `key`.
static inline size_t aes_kwp_unwrap(
    const unsigned char *kek, const unsigned char *wrapped, size_t wrapped_size, unsigned char *key) {
  int size = 0;
  int done = 0;
  EVP_CIPHER_CTX *context = NULL;
  if (wrapped_size < 16 || wrapped_size > 65536 || wrapped_size % 8 != 0) return 0;
  context = EVP_CIPHER_CTX_new();
  if (context == NULL) return 0;
  EVP_CIPHER_CTX_set_flags(context, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
  done = EVP_DecryptInit_ex(context, EVP_aes_256_wrap_pad(), NULL, kek, NULL) == 1 &&
         EVP_DecryptUpdate(context, key, &size, wrapped, (int)wrapped_size) == 1 && size > 0;
  EVP_CIPHER_CTX_free(context);
  ERR_clear_error();
  if (done) return (size_t)size;
  OPENSSL_cleanse(key, wrapped_size);
  return 0;
}
