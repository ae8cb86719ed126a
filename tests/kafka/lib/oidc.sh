# shellcheck shell=bash
# Part of tests/kafka/kafka: the OIDC server of a secured cluster (oidc/server.js).

# Gets the server's packages in the versions of package-lock.json.
fetch_oidc() {
    local home=$BUILD/kafka/oidc stamp
    stamp=$(cat "$HERE"/oidc/* | cksum)
    [[ -f $home/stamp && $(<"$home/stamp") == "$stamp" ]] && return 0
    mkdir -p "$BUILD/kafka"
    (
        flock 9
        [[ -f $home/stamp && $(<"$home/stamp") == "$stamp" ]] && exit 0
        rm -rf "$home"
        mkdir "$home"
        cp "$HERE"/oidc/* "$home"
        (cd "$home" && npm ci --ignore-scripts --no-audit --no-fund) >"$home/fetch.log" 2>&1 9>&- ||
            { tail -n 30 "$home/fetch.log" >&2 && die "npm could not fetch the OIDC server"; }
        echo "$stamp" >"$home/stamp"
    ) 9>"$BUILD/kafka/oidc.lock" || exit 1
}

# Writes the node `oidc`.
make_oidc() {
    local node=$DIR/node-oidc folder=$DIR/secured/oidc name clients='' keys
    mkdir -p "$node" "$folder"
    for name in signing assertion; do
        openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$folder/$name.key"
    done
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$folder/assertion-ec.key"
    keys="\"keys\": [{\"alg\": \"RS256\", \"file\": \"$folder/assertion.key\"},
{\"alg\": \"ES256\", \"file\": \"$folder/assertion-ec.key\"}]"
    for name in "${USERS[@]}"; do
        clients+=$(oidc_client "$name" "$name" 3600 client_secret_basic "\"secret\": \"$name-secret\""),
        clients+=$(oidc_client "$name-short" "$name" 5 client_secret_basic "\"secret\": \"$name-secret\""),
        clients+=$(oidc_client "$name-assertion" "$name" 3600 private_key_jwt "$keys"),
        clients+=$(oidc_client "$name-bearer" "$name" 3600 none "$keys"),
    done
    cat >"$folder/server.json" <<TEXT
{
"port": $OIDC_PORT,
"tlsPort": $OIDC_TLS_PORT,
"tlsIdentity": "$DIR/secured/certificates/broker.pem",
"signingKey": "$folder/signing.key",
"tokenFile": "$folder/${USERS[0]}.jwt",
"clients": [${clients%,}
]}
TEXT
    printf '%s\n' "$(command -v node)" "$BUILD/kafka/oidc/server.js" "$folder/server.json" >"$node/command"
    echo "$OIDC_TLS_PORT" >"$node/port"
}

oidc_client() { # id, subject, lifetime in seconds, authentication, the rest
    printf '\n{"id": "%s", "subject": "%s", "lifetime": %s, "authentication": "%s", %s}' "$@"
}
