#include "support/certificate.hpp"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <memory>

namespace sluice::test {
namespace {

std::string pem_of(int (*write)(BIO*, const void*), const void* thing) {
    const std::unique_ptr<BIO, decltype(&BIO_free)> out{BIO_new(BIO_s_mem()), &BIO_free};
    write(out.get(), thing);
    char* text = nullptr;
    const auto size = BIO_get_mem_data(out.get(), &text);
    return {text, static_cast<std::size_t>(size)};
}

}  // namespace

Certificate::Certificate(const char* names) {
    EVP_PKEY* pair = EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256");
    X509* made = X509_new();
    X509_set_version(made, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(made), 1);
    X509_gmtime_adj(X509_getm_notBefore(made), -60);
    X509_gmtime_adj(X509_getm_notAfter(made), 3600);
    X509_set_pubkey(made, pair);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(made), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("a test"), -1, -1, 0);
    X509_set_issuer_name(made, X509_get_subject_name(made));
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, names);
    X509_add_ext(made, extension, -1);
    X509_EXTENSION_free(extension);
    X509_sign(made, pair, EVP_sha256());
    certificate = pem_of([](BIO* out, const void* x) { return PEM_write_bio_X509(out, static_cast<const X509*>(x)); }, made);
    key = pem_of(
        [](BIO* out, const void* x) {
            return PEM_write_bio_PrivateKey(out, static_cast<const EVP_PKEY*>(x), nullptr, nullptr, 0, nullptr, nullptr);
        },
        pair);
    X509_free(made);
    EVP_PKEY_free(pair);
}

}  // namespace sluice::test
