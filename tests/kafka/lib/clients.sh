# shellcheck shell=bash
# Part of tests/kafka/kafka: properties files for clients of a secured cluster, with Java's and with librdkafka's names.
# With each of them the client is User:ada, except with `ssl`, which identifies nobody.

write_client_files() {
    local certificates=$DIR/secured/certificates kerberos=$DIR/secured/kerberos oidc=$DIR/secured/oidc listener
    mkdir -p "$DIR"/secured/clients/{java,rdkafka}
    java_ssl_files
    rdkafka_ssl_files
    for listener in SASL_PLAINTEXT SASL_SSL; do
        java_sasl_files
        rdkafka_sasl_files
    done
}

# Writes a file with the given lines: NAME LISTENER LINE...
java_file() { client_file "java/$1.properties" "${@:2}"; }
rdkafka_file() { client_file "rdkafka/$1.conf" "${@:2}"; }

client_file() {
    printf '%s\n' "bootstrap.servers=$(addresses_of "$2")" "security.protocol=${2/MTLS/SSL}" "${@:3}" \
        >"$DIR/secured/clients/$1"
}

# A PEM file on one line. In a properties file, `\n` stands for the end of a line.
on_one_line() { awk '{ printf "%s\\n", $0 }' "$1"; }

java_ssl_files() {
    local trust=(ssl.truststore.type=PEM "ssl.truststore.location=$certificates/ca.crt") store type
    java_file ssl SSL "${trust[@]}"
    java_file ssl-certificate-pem MTLS "${trust[@]}" ssl.keystore.type=PEM "ssl.keystore.location=$certificates/ada.pem"
    # Java up to 17 reads encrypted keys in this old form only (PBES1).
    java_file ssl-certificate-pem-encrypted MTLS "${trust[@]}" ssl.keystore.type=PEM \
        "ssl.keystore.location=$certificates/ada.pbes1.pem" "ssl.key.password=$KEY_PASSWORD"
    java_file ssl-certificate-pem-inline MTLS ssl.truststore.type=PEM \
        "ssl.truststore.certificates=$(on_one_line "$certificates/ca.crt")" ssl.keystore.type=PEM \
        "ssl.keystore.key=$(on_one_line "$certificates/ada.key")" \
        "ssl.keystore.certificate.chain=$(on_one_line "$certificates/ada.chain.crt")"
    for store in p12 jks; do
        [[ $store == jks ]] && type=JKS || type=PKCS12
        java_file "ssl-certificate-${type,,}" MTLS "ssl.truststore.type=$type" \
            "ssl.truststore.location=$certificates/truststore.$store" "ssl.truststore.password=$STORE_PASSWORD" \
            "ssl.keystore.type=$type" "ssl.keystore.location=$certificates/ada.$store" \
            "ssl.keystore.password=$STORE_PASSWORD" "ssl.key.password=$STORE_PASSWORD"
    done
}

java_sasl_files() {
    local security=org.apache.kafka.common.security name=${listener,,} lines=() bits
    name=${name/_/-}
    [[ $listener != SASL_SSL ]] || lines=(ssl.truststore.type=PEM "ssl.truststore.location=$certificates/ca.crt")
    java_file "$name-plain" "$listener" "${lines[@]}" sasl.mechanism=PLAIN \
        "sasl.jaas.config=$security.plain.PlainLoginModule required username=\"ada\" password=\"ada-secret\";"
    for bits in 256 512; do
        java_file "$name-scram-sha-$bits" "$listener" "${lines[@]}" "sasl.mechanism=SCRAM-SHA-$bits" \
            "sasl.jaas.config=$security.scram.ScramLoginModule required username=\"ada\" password=\"ada-secret\";"
    done
    java_file "$name-gssapi" "$listener" "${lines[@]}" sasl.mechanism=GSSAPI sasl.kerberos.service.name=kafka \
        "sasl.jaas.config=com.sun.security.auth.module.Krb5LoginModule required useKeyTab=true storeKey=true \
keyTab=\"$kerberos/ada.keytab\" principal=\"ada@$REALM\";"
    java_oauthbearer_files
}

java_oauthbearer_files() {
    local oauth=sasl.oauthbearer assertion=() options=''
    # Java trusts other certificates for the token endpoint than for the brokers.
    [[ $listener != SASL_SSL ]] ||
        options=" ssl.truststore.type=\"PEM\" ssl.truststore.location=\"$certificates/ca.crt\""
    lines+=(sasl.mechanism=OAUTHBEARER
        "sasl.login.callback.handler.class=$security.oauthbearer.OAuthBearerLoginCallbackHandler"
        "sasl.jaas.config=$security.oauthbearer.OAuthBearerLoginModule required$options;")
    java_file "$name-oauthbearer-file" "$listener" "${lines[@]}" "$oauth.token.endpoint.url=file://$oidc/ada.jwt"
    lines+=("$oauth.token.endpoint.url=$(token_endpoint)" "$oauth.scope=produce")
    java_file "$name-oauthbearer-client-credentials" "$listener" "${lines[@]}" \
        "$oauth.client.credentials.client.id=ada" "$oauth.client.credentials.client.secret=ada-secret"
    assertion=("$oauth.assertion.private.key.file=$oidc/assertion.key" "$oauth.assertion.algorithm=RS256"
        "$oauth.assertion.claim.aud=http://127.0.0.1:$OIDC_PORT" "$oauth.assertion.claim.jti.include=true")
    java_file "$name-oauthbearer-client-assertion" "$listener" "${lines[@]}" "${assertion[@]}" \
        "$oauth.assertion.claim.iss=ada-assertion" "$oauth.assertion.claim.sub=ada-assertion"
    java_file "$name-oauthbearer-jwt-bearer" "$listener" "${lines[@]}" "${assertion[@]}" \
        "$oauth.jwt.retriever.class=$security.oauthbearer.JwtBearerJwtRetriever" \
        "$oauth.assertion.claim.iss=ada-bearer" "$oauth.assertion.claim.sub=ada"
}

# The token endpoint has TLS where the brokers have it.
token_endpoint() {
    if [[ $listener == SASL_SSL ]]; then
        echo "https://localhost:$OIDC_TLS_PORT/token"
    else
        echo "http://127.0.0.1:$OIDC_PORT/token"
    fi
}

rdkafka_ssl_files() {
    local trust="ssl.ca.location=$certificates/ca.crt"
    rdkafka_file ssl SSL "$trust"
    rdkafka_file ssl-certificate-pem MTLS "$trust" "ssl.certificate.location=$certificates/ada.chain.crt" \
        "ssl.key.location=$certificates/ada.key"
    rdkafka_file ssl-certificate-pem-encrypted MTLS "$trust" "ssl.certificate.location=$certificates/ada.chain.crt" \
        "ssl.key.location=$certificates/ada.pbes2.key" "ssl.key.password=$KEY_PASSWORD"
    rdkafka_file ssl-certificate-pem-inline MTLS "ssl.ca.pem=$(on_one_line "$certificates/ca.crt")" \
        "ssl.certificate.pem=$(on_one_line "$certificates/ada.chain.crt")" \
        "ssl.key.pem=$(on_one_line "$certificates/ada.key")"
    rdkafka_file ssl-certificate-pkcs12 MTLS "$trust" "ssl.keystore.location=$certificates/ada.p12" \
        "ssl.keystore.password=$STORE_PASSWORD"
}

rdkafka_sasl_files() {
    local name=${listener,,} lines=() mechanism
    name=${name/_/-}
    [[ $listener != SASL_SSL ]] || lines=("ssl.ca.location=$certificates/ca.crt")
    for mechanism in PLAIN SCRAM-SHA-256 SCRAM-SHA-512; do
        rdkafka_file "$name-${mechanism,,}" "$listener" "${lines[@]}" "sasl.mechanism=$mechanism" sasl.username=ada \
            sasl.password=ada-secret
    done
    rdkafka_file "$name-gssapi" "$listener" "${lines[@]}" sasl.mechanism=GSSAPI sasl.kerberos.service.name=kafka \
        "sasl.kerberos.keytab=$kerberos/ada.keytab" "sasl.kerberos.principal=ada@$REALM"
    rdkafka_oauthbearer_files
}

rdkafka_oauthbearer_files() {
    local oauth=sasl.oauthbearer
    [[ $listener != SASL_SSL ]] || lines+=("https.ca.location=$certificates/ca.crt")
    lines+=(sasl.mechanism=OAUTHBEARER "$oauth.method=oidc" "$oauth.token.endpoint.url=$(token_endpoint)"
        "$oauth.scope=produce")
    rdkafka_file "$name-oauthbearer-client-credentials" "$listener" "${lines[@]}" "$oauth.client.id=ada" \
        "$oauth.client.secret=ada-secret"
    rdkafka_file "$name-oauthbearer-jwt-bearer" "$listener" "${lines[@]}" \
        "$oauth.grant.type=urn:ietf:params:oauth:grant-type:jwt-bearer" \
        "$oauth.assertion.private.key.file=$oidc/assertion.key" "$oauth.assertion.algorithm=RS256" \
        "$oauth.assertion.claim.aud=http://127.0.0.1:$OIDC_PORT" "$oauth.assertion.claim.jti.include=true" \
        "$oauth.assertion.claim.iss=ada-bearer" "$oauth.assertion.claim.sub=ada"
}
