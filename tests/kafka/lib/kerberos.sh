# shellcheck shell=bash
# Part of tests/kafka/kafka: the Kerberos server (MIT's KDC) of a secured cluster.

REALM=OTTLA.TEST

# Writes the node `kdc`, with the principals of the brokers and the users.
make_kdc() {
    local node=$DIR/node-kdc folder=$DIR/secured/kerberos port=$KDC_PORT name
    mkdir -p "$node/data" "$folder"
    cat >"$folder/krb5.conf" <<TEXT
[libdefaults]
default_realm = $REALM
dns_lookup_kdc = false
dns_lookup_realm = false
dns_canonicalize_hostname = false
rdns = false
# TCP only: a lost datagram would cost a second.
udp_preference_limit = 1
default_ccache_name = FILE:$folder/tickets
[realms]
$REALM = {
    kdc = 127.0.0.1:$port
}
[domain_realm]
localhost = $REALM
TEXT
    cat >"$folder/kdc.conf" <<TEXT
[kdcdefaults]
kdc_listen = 127.0.0.1:$port
kdc_tcp_listen = 127.0.0.1:$port
[realms]
$REALM = {
    database_name = $node/data/principal
    key_stash_file = $node/data/stash
    supported_enctypes = aes256-cts:normal aes128-cts:normal
    max_life = 10h
}
[logging]
kdc = FILE:$node/server.log
admin_server = FILE:$node/server.log
TEXT
    local environment=("KRB5_CONFIG=$folder/krb5.conf" "KRB5_KDC_PROFILE=$folder/kdc.conf")
    env "${environment[@]}" kdb5_util create -s -r "$REALM" -P master-secret
    {
        echo "addprinc -randkey kafka/localhost"
        echo "ktadd -k $folder/broker.keytab kafka/localhost"
        for name in "${USERS[@]}"; do
            echo "addprinc -pw $name-secret $name"
            echo "ktadd -norandkey -k $folder/$name.keytab $name"
        done
    } | env "${environment[@]}" kadmin.local -r "$REALM"
    # kadmin.local succeeds even if a command failed.
    for name in broker "${USERS[@]}"; do
        [[ -s $folder/$name.keytab ]] || die "kadmin.local made no keytab for $name"
    done
    printf '%s\n' env "${environment[@]}" "$(command -v krb5kdc)" -n -r "$REALM" -P "$node/krb5kdc.pid" >"$node/command"
    echo "$port" >"$node/port"
}
