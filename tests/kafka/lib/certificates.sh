# shellcheck shell=bash
# Part of tests/kafka/kafka: the certificates of a secured cluster, made with openssl and keytool.
#
# `ca` signs `intermediate`, and that one signs the broker and the clients. Nobody trusts `stranger`. Each NAME has
#   NAME.key        the private key, PKCS#8
#   NAME.crt        the certificate; NAME.chain.crt: with that of its authority
#   NAME.pem        key and chain, as a PEM keystore of Java's has them

STORE_PASSWORD=store-secret
KEY_PASSWORD=key-secret

make_certificates() {
    local folder=$1
    mkdir -p "$folder"
    authorities "$folder"
    certificate "$folder" broker rsa:2048 intermediate server
    certificate "$folder" ada rsa:2048 intermediate client
    certificate "$folder" guest ec:P-256 intermediate client
    ada_for_openssl "$folder"
}

authorities() {
    local folder=$1 name
    openssl_configuration "$folder" >"$folder/openssl.cnf"
    for name in ca intermediate stranger; do
        mkdir "$folder/issued-by-$name"
        : >"$folder/issued-by-$name/index"
    done
    for name in ca stranger; do
        openssl req -x509 -config "$folder/openssl.cnf" -extensions authority -newkey ec \
            -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj "/O=Ottla/CN=$name" \
            -keyout "$folder/$name.key" -out "$folder/$name.crt"
    done
    certificate "$folder" intermediate ec:P-256 ca authority
}

# `openssl ca`, because only that command can set both dates.
openssl_configuration() {
    local folder=$1 name
    for name in ca intermediate stranger; do
        cat <<TEXT
[$name]
certificate = $folder/$name.crt
private_key = $folder/$name.key
new_certs_dir = $folder/issued-by-$name
database = $folder/issued-by-$name/index
unique_subject = no
rand_serial = yes
default_md = sha256
default_days = 30
policy = any
TEXT
    done
    cat <<TEXT
[any]
organizationName = optional
commonName = supplied
[req]
distinguished_name = subject
[subject]
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical, CA:FALSE
extendedKeyUsage = serverAuth
subjectAltName = DNS:localhost, IP:127.0.0.1
[elsewhere]
basicConstraints = critical, CA:FALSE
extendedKeyUsage = serverAuth
subjectAltName = DNS:elsewhere.example
[client]
basicConstraints = critical, CA:FALSE
extendedKeyUsage = clientAuth
TEXT
}

# folder, common name, key (a kind, or the name of one with the same key), authority, section of extensions, options of
# `openssl ca`...
certificate() {
    local folder=$1 name=$2 authority=$4 extensions=$5 key
    case $3 in
    rsa:*) key=(-newkey "$3" -nodes -keyout "$folder/$name.key") ;;
    ec:*) key=(-newkey ec -pkeyopt "ec_paramgen_curve:${3#ec:}" -nodes -keyout "$folder/$name.key") ;;
    *) cp "$folder/$3.key" "$folder/$name.key" && key=(-key "$folder/$name.key") ;;
    esac
    openssl req -new -config "$folder/openssl.cnf" "${key[@]}" -subj "/O=Ottla/CN=$name" -out "$folder/$name.csr"
    openssl ca -batch -notext -config "$folder/openssl.cnf" -name "$authority" -extensions "$extensions" \
        -in "$folder/$name.csr" -out "$folder/$name.crt" "${@:6}"
    rm "$folder/$name.csr"
    cat "$folder/$name.crt" "$folder/$authority.crt" >"$folder/$name.chain.crt"
    cat "$folder/$name.key" "$folder/$name.chain.crt" >"$folder/$name.pem"
}

# Ada's key in the other forms that Java and OpenSSL write, and her PKCS12 store.
ada_for_openssl() {
    local folder=$1 key=$1/ada.key
    openssl rsa -traditional -in "$key" -out "$folder/ada.pkcs1.key"
    openssl rsa -traditional -aes128 -passout "pass:$KEY_PASSWORD" -in "$key" -out "$folder/ada.traditional.key"
    openssl pkcs8 -topk8 -v2 aes-256-cbc -passout "pass:$KEY_PASSWORD" -in "$key" -out "$folder/ada.pbes2.key"
    openssl pkcs8 -topk8 -v1 PBE-SHA1-3DES -passout "pass:$KEY_PASSWORD" -in "$key" -out "$folder/ada.pbes1.key"
    cat "$folder/ada.pbes1.key" "$folder/ada.chain.crt" >"$folder/ada.pbes1.pem"
    openssl ec -in "$folder/guest.key" -out "$folder/guest.sec1.key"
    openssl pkcs12 -export -name ada -passout "pass:$STORE_PASSWORD" -in "$folder/ada.pem" -out "$folder/ada.p12"
}

# What no broker needs: stores by Java's keytool, and certificates that are to be refused.
make_more_certificates() {
    local folder=$1
    java_stores "$folder"
    local past=(-startdate 20200101000000Z -enddate 20210101000000Z)
    local future=(-startdate 20400101000000Z -enddate 20410101000000Z)
    certificate "$folder" broker-expired broker intermediate server "${past[@]}"
    certificate "$folder" broker-not-yet-valid broker intermediate server "${future[@]}"
    certificate "$folder" broker-elsewhere broker intermediate elsewhere
    certificate "$folder" broker-of-stranger broker stranger server
    certificate "$folder" ada-expired ada intermediate client "${past[@]}"
    certificate "$folder" ada-of-stranger ada stranger client
    cat "$folder/broker.key" "$folder/broker.crt" >"$folder/broker-without-intermediate.pem"
}

java_stores() {
    local folder=$1
    keytool_quick -importcert -noprompt -alias ca -file "$folder/ca.crt" -storetype JKS \
        -keystore "$folder/truststore.jks" -storepass "$STORE_PASSWORD"
    keytool_quick -importcert -noprompt -alias ca -file "$folder/ca.crt" -storetype PKCS12 \
        -keystore "$folder/truststore.p12" -storepass "$STORE_PASSWORD"
    keytool_quick -importkeystore -srcstoretype PKCS12 -srckeystore "$folder/ada.p12" -srcstorepass "$STORE_PASSWORD" \
        -deststoretype JKS -destkeystore "$folder/ada.jks" -deststorepass "$STORE_PASSWORD"
}

keytool_quick() {
    "${JAVA_HOME:+$JAVA_HOME/bin/}keytool" -J-XX:TieredStopAtLevel=1 -J-XX:+UseSerialGC -J-Xshare:auto "$@"
}
