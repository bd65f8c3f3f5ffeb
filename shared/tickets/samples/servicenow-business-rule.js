// Business rule on sc_req_item, asynchronous, after insert and update, with the
// condition: current.cat_item.name == 'VPC connection'.
//
// It tells VPC Interconnect that an item was touched, and nothing more: the item
// itself is read from there. Two system properties hold where and by which
// secret: vpc_interconnect.url, such as
// https://<address of the function tickets>/tickets/servicenow, and
// vpc_interconnect.secret (type password2), the same as SERVICENOW_SECRET.
(function executeRule(current) {
    if (current.getValue('sys_updated_by') == 'vpc.interconnect') {
        return; // our own notes
    }
    var message = new sn_ws.RESTMessageV2();
    message.setEndpoint(gs.getProperty('vpc_interconnect.url'));
    message.setHttpMethod('post');
    message.setHttpTimeout(10000);
    message.setRequestHeader('Content-Type', 'application/json');
    message.setRequestHeader('X-Shared-Secret', gs.getProperty('vpc_interconnect.secret'));
    message.setRequestHeader('X-Timestamp', '' + Math.floor(new Date().getTime() / 1000));
    message.setRequestBody(JSON.stringify({
        table: '' + current.getTableName(),
        sys_id: '' + current.getUniqueValue(),
        number: '' + current.getValue('number'),
        operation: '' + current.operation(),
        sys_mod_count: '' + current.getValue('sys_mod_count'),
        updated_by: '' + current.getValue('sys_updated_by')
    }));
    // Nothing repeats this call: what does not get through is tried three times.
    for (var attempt = 1; attempt <= 3; attempt++) {
        var status = message.execute().getStatusCode();
        if (status < 500 && status != 0 && status != 429) {
            return;
        }
        gs.warn('VPC Interconnect answered ' + status + ' for ' + current.getValue('number') + ', attempt ' + attempt);
        gs.sleep(2000 * attempt);
    }
})(current);
