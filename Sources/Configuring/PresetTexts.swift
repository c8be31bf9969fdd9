extension Presets {
  static let nativeText = """
    # Rows named as in the Event API. A decision and a conversion:
    #   {"visitor_id":"v1","campaign_id":"11","experiment_id":"12","variation_id":"13","timestamp":1714564800000}
    #   {"visitor_id":"v1","entity_id":"21","key":"buy","timestamp":1714564860000,"revenue":1999}
    fields:
      record: record
      visitor_id: visitor_id
      session_id: session_id
      campaign_id: campaign_id
      experiment_id: experiment_id
      variation_id: variation_id
      is_campaign_holdback: is_campaign_holdback
      flag_key: flag_key
      rule_key: rule_key
      rule_type: rule_type
      variation_key: variation_key
      enabled: enabled
      entity_id: entity_id
      key: key
      timestamp: timestamp
      uuid: uuid
      revenue: revenue
      value: value
      quantity: quantity
    # All members of these objects, in CSV all columns tags.NAME, properties.NAME and attributes.KEY.
    tags: {"*": tags}
    properties: {"*": properties}
    attributes:
      "*":
        - attributes
        - {elements: attributes, type: type, entity_id: entity_id, key: key, value: value}
    """

  static let eventsExportText = """
    # The vendor's Experimentation Events Export, unloaded from Parquet to text: one row an event, times in UTC. A campaign_activated event is
    # implied by each decision. A decision and a conversion:
    #   {"uuid":"d1","timestamp":"2024-05-01 12:00:00.000","visitor_id":"v1","account_id":"{account}","campaign_id":"11","experiment_id":"12","variation_id":"13","is_holdback":false,"attributes":[{"id":"31","name":"plan","type":"custom","value":"gold"}]}
    #   {"uuid":"c1","timestamp":"2024-05-01 12:01:00.000","visitor_id":"v1","account_id":"{account}","entity_id":"21","event_name":"buy","revenue":1999,"tags":{"size":"m"},"attributes":[]}
    fields:
      account_id: account_id
      visitor_id: visitor_id
      session_id: session_id
      campaign_id: campaign_id
      experiment_id: experiment_id
      variation_id: variation_id
      is_campaign_holdback: is_holdback
      entity_id: entity_id
      key: event_name
      timestamp: {from: timestamp, zone: UTC}
      uuid: uuid
      revenue: revenue
      value: value
      quantity: quantity
    tags: {"*": tags}
    attributes:
      "*":
        elements: attributes
        type: type
        entity_id: id
        key: name
        value: value
        # The export gives every attribute an id; only custom ones may be sent with it.
        entity_ids: custom
        where: {type: {not: metadata}, name: {not: $opt_enrich_decisions}}
    ignore: [process_timestamp, user_ip, user_agent, referer, revision, client_engine, client_version, event_type, experiments]
    """

  static let sdkLogText = """
    # Bodies of the Event API, one a line, as an SDK's dispatcher logs them. They are taken apart and put together anew; event ids stay. An
    # event is a decision when it is an activation; its ids are those of the snapshot's decision for its campaign.
    # Decisions that conversions carry are those of earlier activations, which belong into the log too: no-decision tells where none is.
    #   {"account_id":"{account}","visitors":[{"visitor_id":"v1","attributes":[],"snapshots":[{"decisions":[{"campaign_id":"11","experiment_id":"12","variation_id":"13","metadata":{"flag_key":"f","rule_key":"r","rule_type":"experiment","variation_key":"on","enabled":true}}],"events":[{"entity_id":"11","key":"campaign_activated","timestamp":1714564800000,"uuid":"d1"}]}]}]}
    #   {"account_id":"{account}","visitors":[{"visitor_id":"v1","attributes":[{"entity_id":"31","key":"plan","type":"custom","value":"gold"}],"snapshots":[{"events":[{"entity_id":"21","key":"buy","timestamp":1714564860000,"uuid":"c1","revenue":1999,"tags":{"revenue":1999}}]}]}]}
    explode: visitors.snapshots.events
    fields:
      record:
        first: [visitors.snapshots.events.type, visitors.snapshots.events.key, {const: conversion}]
        lookup: {campaign_activated: decision}
        otherwise: {const: conversion}
      account_id: account_id
      visitor_id: visitors.visitor_id
      session_id: visitors.session_id
      campaign_id: visitors.snapshots.decisions[campaign_id=visitors.snapshots.events.entity_id].campaign_id
      experiment_id: visitors.snapshots.decisions[campaign_id=visitors.snapshots.events.entity_id].experiment_id
      variation_id: visitors.snapshots.decisions[campaign_id=visitors.snapshots.events.entity_id].variation_id
      is_campaign_holdback: visitors.snapshots.decisions[campaign_id=visitors.snapshots.events.entity_id].is_campaign_holdback
      flag_key: visitors.snapshots.decisions[campaign_id=visitors.snapshots.events.entity_id].metadata.flag_key
      rule_key: visitors.snapshots.decisions[campaign_id=visitors.snapshots.events.entity_id].metadata.rule_key
      rule_type: visitors.snapshots.decisions[campaign_id=visitors.snapshots.events.entity_id].metadata.rule_type
      variation_key: visitors.snapshots.decisions[campaign_id=visitors.snapshots.events.entity_id].metadata.variation_key
      enabled: visitors.snapshots.decisions[campaign_id=visitors.snapshots.events.entity_id].metadata.enabled
      entity_id: visitors.snapshots.events.entity_id
      key: visitors.snapshots.events.key
      timestamp: visitors.snapshots.events.timestamp
      uuid: visitors.snapshots.events.uuid
      revenue: visitors.snapshots.events.revenue
      value: visitors.snapshots.events.value
      quantity: visitors.snapshots.events.quantity
    tags: {"*": visitors.snapshots.events.tags}
    properties: {"*": visitors.snapshots.events.properties}
    attributes:
      "*":
        elements: visitors.attributes
        type: type
        entity_id: entity_id
        key: key
        value: value
        # What SDKs add of their own is meant for live traffic.
        where: {entity_id: {not_in: [$opt_bot_filtering, $opt_enrich_decisions, $opt_user_agent]}}
    ignore: [client_name, client_version, anonymize_ip, enrich_decisions, project_id, revision]
    """

  static let segmentText = """
    # Segment's track calls, one a line, as they are archived. "Experiment Viewed" calls are decisions, all others conversions, their keys and
    # ids turned into ids by the project's datafile. Calls for events that the project does not have are rejects: say with where which to take.
    #   {"type":"track","event":"Experiment Viewed","anonymousId":"v1","messageId":"m1","timestamp":"2024-05-01T12:00:00.000Z","properties":{"experiment_id":"{experiment}","variation_id":"{variation}"}}
    #   {"type":"track","event":"{event}","anonymousId":"v1","userId":"u7","messageId":"m2","timestamp":"2024-05-01T12:01:00.000Z","properties":{"revenue":19.99,"currency":"USD","order_id":"A7"}}
    where: {type: track}
    fields:
      record: {from: event, lookup: {Experiment Viewed: decision}, otherwise: {const: conversion}}
      # The id that the experiment saw. A visitor whose decisions and conversions have different ids is two.
      visitor_id: {first: [anonymousId, userId]}
      timestamp: {first: [timestamp, originalTimestamp]}
      uuid: {from: [messageId]}
      campaign_id: {first: [properties.experiment_id, properties.experimentId], key: campaign}
      experiment_id: {first: [properties.experiment_id, properties.experimentId], key: experiment}
      variation_id:
        first: [properties.variation_id, properties.variationId]
        key: variation
        experiment: {first: [properties.experiment_id, properties.experimentId]}
      entity_id: {from: event, key: event}
      key: event
      # In whole units of a currency with two decimals; otherwise say exponent.
      revenue: {first: [properties.revenue, properties.total], unit: major}
    tags: {currency: properties.currency, order_id: properties.order_id}
    ignore: [context, integrations, messageId, receivedAt, sentAt, originalTimestamp, channel, version, projectId, writeKey, userId, anonymousId]
    """

  static let ga4Text = """
    # Rows of the BigQuery export of Google Analytics 4 as JSON, one a line. experience_impression events with the parameters experiment_id and
    # variation_id are decisions, all others conversions, their keys and ids turned into ids by the project's datafile. Events that the project
    # does not have are rejects: say with where which to take, such as {event_name: [experience_impression, purchase]}.
    #   {"event_name":"experience_impression","event_timestamp":"1714564800000000","user_pseudo_id":"v1","event_params":[{"key":"experiment_id","value":{"string_value":"{experiment}"}},{"key":"variation_id","value":{"string_value":"{variation}"}}]}
    #   {"event_name":"{event}","event_timestamp":"1714564860000000","user_pseudo_id":"v1","event_params":[{"key":"currency","value":{"string_value":"USD"}}],"ecommerce":{"purchase_revenue":19.99,"transaction_id":"A7"}}
    fields:
      record: {from: event_name, lookup: {experience_impression: decision}, otherwise: {const: conversion}}
      # The id that the experiment saw. A visitor whose decisions and conversions have different ids is two.
      visitor_id: user_pseudo_id
      timestamp: {from: event_timestamp, format: epoch_microseconds}
      # What an event lacks is "none": events of one bundle may have one time.
      uuid:
        from:
          - user_pseudo_id
          - event_name
          - event_timestamp
          - first: [event_bundle_sequence_id, {const: none}]
          - first: [batch_event_index, {const: none}]
          - first: [ecommerce.transaction_id, {const: none}]
      campaign_id:
        first: ["event_params[key='experiment_id'].value.string_value", "event_params[key='experiment_id'].value.int_value"]
        key: campaign
      experiment_id:
        first: ["event_params[key='experiment_id'].value.string_value", "event_params[key='experiment_id'].value.int_value"]
        key: experiment
      variation_id:
        first: ["event_params[key='variation_id'].value.string_value", "event_params[key='variation_id'].value.int_value"]
        key: variation
        experiment:
          first: ["event_params[key='experiment_id'].value.string_value", "event_params[key='experiment_id'].value.int_value"]
      entity_id: {from: event_name, key: event}
      key: event_name
      # Floating-point numbers in whole units: 19.99 may stand there as 19.990000000000002. What is rounded is counted and told.
      revenue: {from: ecommerce.purchase_revenue, unit: major, rounding: half_up}
    tags:
      transaction_id: ecommerce.transaction_id
      currency: "event_params[key='currency'].value.string_value"
      # All parameters of an event; addresses of pages may hold personal data.
      # "*": {pairs: event_params, name: key, value: [value.string_value, value.int_value, value.double_value, value.float_value]}
    ignore:
      - event_date
      - event_previous_timestamp
      - event_value_in_usd
      - event_server_timestamp_offset
      - user_id
      - user_first_touch_timestamp
      - user_properties
      - user_ltv
      - privacy_info
      - device
      - geo
      - app_info
      - traffic_source
      - collected_traffic_source
      - session_traffic_source_last_click
      - stream_id
      - platform
      - event_dimensions
      - items
      - publisher
      - is_active_user
      - batch_page_id
      - batch_ordering_id
    """
}
