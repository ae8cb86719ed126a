# shellcheck shell=bash
# Part of tests/kafka/kafka: clusters with TLS, SASL and ACLs (`start --secured`). All that they need is made at start,
# in the cluster's folder: secured/{certificates,kerberos,oidc,clients}, node-kdc and node-oidc.

# Their password is <user>-secret, with every mechanism. `finish_secured` has their rights.
USERS=(ada guest)
SECURED_LISTENERS=(SSL=SSL MTLS=SSL SASL_PLAINTEXT=SASL_PLAINTEXT SASL_SSL=SASL_SSL)

need_for_secured() {
    local command missing=()
    # Debian's users do not have it.
    PATH=$PATH:/usr/sbin
    for command in openssl krb5kdc kdb5_util kadmin.local node npm; do
        command -v "$command" >/dev/null || missing+=("$command")
    done
    ((${#missing[@]} == 0)) || die "a secured cluster needs ${missing[*]}; scripts/setup gets them"
    [[ $VERSION != 2.* ]] || die "a secured cluster needs KRaft, so Kafka 3.9.1 or later"
    fetch_oidc
}

# Options of Kafka's storage tool: the users' SCRAM credentials are in the metadata from the start.
scram_users() {
    local name bits
    for name in "${USERS[@]}"; do
        for bits in 256 512; do
            printf '%s\n' --add-scram "SCRAM-SHA-$bits=[name=$name,password=$name-secret]"
        done
    done
}

# Makes what the brokers need, and adds their listeners, properties and JVM options.
prepare_secured() {
    local folder=$DIR/secured properties
    mkdir -p "$folder"
    declare -g KDC_PORT='' OIDC_PORT='' OIDC_TLS_PORT=''
    claim_port KDC_PORT
    claim_port OIDC_PORT
    claim_port OIDC_TLS_PORT
    # In the background, because errors do not end a function that is called in a condition.
    {
        make_certificates "$folder/certificates"
        make_kdc
        make_oidc
    } >"$folder/log" 2>&1 &
    wait $! || { tail -n 30 "$folder/log" >&2 && die "could not prepare the secured cluster $NAME: $folder/log"; }
    # Clients need more, which takes as long as a broker's start.
    {
        make_more_certificates "$folder/certificates"
        write_client_files
    } >>"$folder/log" 2>&1 &
    CLIENTS=$!
    mapfile -t properties < <(secured_properties "$folder")
    # Before the caller's, which win.
    PROPERTIES=("${properties[@]}" "${PROPERTIES[@]}")
    JVM+=("-Djava.security.krb5.conf=$folder/kerberos/krb5.conf")
    JVM+=("-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=http://127.0.0.1:$OIDC_PORT/jwks")
}

secured_properties() {
    local folder=$1 listener
    cat <<TEXT
ssl.keystore.type=PEM
ssl.keystore.location=$folder/certificates/broker.pem
ssl.truststore.type=PEM
ssl.truststore.location=$folder/certificates/ca.crt
# The owner of O=Ottla, CN=ada is User:ada, as with SASL.
ssl.principal.mapping.rules=RULE:^CN=([^,]+),O=Ottla\$/\$1/,DEFAULT
listener.name.mtls.ssl.client.auth=required
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER,GSSAPI
sasl.kerberos.service.name=kafka
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
# The brokers themselves and the tests' own programs, on PLAINTEXT.
super.users=User:ANONYMOUS
delegation.token.secret.key=delegation-secret
TEXT
    for listener in sasl_plaintext sasl_ssl; do
        sasl_properties "listener.name.$listener" "$folder"
    done
}

sasl_properties() {
    local prefix=$1 folder=$2 security=org.apache.kafka.common.security name users=''
    for name in "${USERS[@]}"; do
        users+=" user_$name=\"$name-secret\""
    done
    cat <<TEXT
$prefix.plain.sasl.jaas.config=$security.plain.PlainLoginModule required$users;
$prefix.scram-sha-256.sasl.jaas.config=$security.scram.ScramLoginModule required;
$prefix.scram-sha-512.sasl.jaas.config=$security.scram.ScramLoginModule required;
$prefix.gssapi.sasl.jaas.config=com.sun.security.auth.module.Krb5LoginModule required useKeyTab=true storeKey=true \
keyTab="$folder/kerberos/broker.keytab" principal="kafka/localhost@$REALM";
$prefix.oauthbearer.sasl.jaas.config=$security.oauthbearer.OAuthBearerLoginModule required;
$prefix.oauthbearer.sasl.server.callback.handler.class=$security.oauthbearer.OAuthBearerValidatorCallbackHandler
$prefix.oauthbearer.sasl.oauthbearer.jwks.endpoint.url=http://127.0.0.1:$OIDC_PORT/jwks
$prefix.oauthbearer.sasl.oauthbearer.expected.audience=kafka
$prefix.oauthbearer.sasl.oauthbearer.expected.issuer=http://127.0.0.1:$OIDC_PORT
TEXT
}

# Waits until the servers on which brokers and clients depend listen. Prints nothing, or why it failed.
wait_listening() {
    local dir=$1 node waited=0
    for node in "${@:2}"; do
        until (exec 3<>"/dev/tcp/127.0.0.1/$(<"$dir/node-$node/port")") 2>/dev/null; do
            node_pid "$dir/node-$node" || { echo "node $node has ended" && return 1; }
            ((waited++ < 600)) || { echo "node $node does not listen after 30 s" && return 1; }
            sleep 0.05
        done
    done
}

# Waits for what only clients need, and gives the users their rights.
finish_secured() {
    wait "$CLIENTS" &&
        run_java "$DEFAULT_VERSION" Admin "127.0.0.1:${PORT[1]}" allow User:ada ALL 'topic:*' \
            User:ada ALL 'transactional-id:*' User:ada ALL 'group:*' User:ada IDEMPOTENT_WRITE cluster \
            User:guest WRITE 'topic:guest-*'
}

secured_env() {
    echo "SECURED=$DIR/secured"
    echo "KRB5_CONFIG=$DIR/secured/kerberos/krb5.conf"
    echo "TOKEN_ENDPOINT=http://127.0.0.1:$OIDC_PORT/token"
    echo "TOKEN_ENDPOINT_TLS=https://localhost:$OIDC_TLS_PORT/token"
}
