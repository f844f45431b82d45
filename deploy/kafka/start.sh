#!/bin/bash
# Starts the broker; before its first start it makes the storage and the operator's user, who then
# makes all others (python -m deploy.rights kafka).
set -euo pipefail
properties=/etc/gongxiang/server.properties

if [ ! -e /var/lib/kafka/data/meta.properties ]; then
    password=$(cat /run/secrets/kafka_password_operator)
    # In one word: an id may begin with a dash.
    /opt/kafka/bin/kafka-storage.sh format \
        --cluster-id="$(/opt/kafka/bin/kafka-storage.sh random-uuid)" --config "$properties" \
        --add-scram "SCRAM-SHA-512=[name=operator,password=$password]"
fi
exec /opt/kafka/bin/kafka-server-start.sh "$properties"
