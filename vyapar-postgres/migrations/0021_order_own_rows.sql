-- What a customer sees of his orders, and how their sealed texts are sealed anew.

-- His orders and their lines he sees already; their history and payments, refunds included, too.
create policy own_orders on vyapar.order_status_history for select to vyapar_app using (
    (select nullif(current_setting('vyapar.customer', true), '')) is not null
    and exists (
        select from vyapar.orders o
         where o.store_id = order_status_history.store_id and o.id = order_status_history.order_id
           and o.customer_id = nullif(current_setting('vyapar.customer', true), '')::uuid));
create policy own_orders on vyapar.payments for select to vyapar_app using (
    (select nullif(current_setting('vyapar.customer', true), '')) is not null
    and exists (
        select from vyapar.orders o
         where o.store_id = payments.store_id and o.id = payments.order_id
           and o.customer_id = nullif(current_setting('vyapar.customer', true), '')::uuid));
create policy own_orders on vyapar.refunds for select to vyapar_app using (
    (select nullif(current_setting('vyapar.customer', true), '')) is not null
    and exists (
        select from vyapar.payments p join vyapar.orders o on o.store_id = p.store_id and o.id = p.order_id
         where p.store_id = refunds.store_id and p.id = refunds.payment_id
           and o.customer_id = nullif(current_setting('vyapar.customer', true), '')::uuid));

-- History stays as it was written, but for the sealing of its notes by the sweep over all stores.
grant update (notes) on vyapar.order_status_history to vyapar_app;
create policy resealing on vyapar.order_status_history as restrictive for update to vyapar_app
    using ((select current_setting('vyapar.all_stores', true)) = 'on');

-- Puts another sealed text in the place of one; says whether that one stood there.
create function vyapar.replace_order_text(
    p_store uuid, p_order varchar, p_column varchar, p_from bytea, p_to bytea, p_lock_timeout integer
) returns boolean
language plpgsql as $$
begin
    perform vyapar.enter_all_stores(p_lock_timeout);
    update vyapar.orders o
       set customer_name = case p_column when 'customer_name' then p_to else o.customer_name end,
           customer_phone = case p_column when 'customer_phone' then p_to else o.customer_phone end,
           delivery_address = case p_column when 'delivery_address' then p_to else o.delivery_address end,
           delivery_notes = case p_column when 'delivery_notes' then p_to else o.delivery_notes end,
           customer_note = case p_column when 'customer_note' then p_to else o.customer_note end,
           cancel_reason = case p_column when 'cancel_reason' then p_to else o.cancel_reason end
     where o.store_id = p_store and o.id = p_order
       and p_from = case p_column when 'customer_name' then o.customer_name
                                  when 'customer_phone' then o.customer_phone
                                  when 'delivery_address' then o.delivery_address
                                  when 'delivery_notes' then o.delivery_notes
                                  when 'customer_note' then o.customer_note
                                  when 'cancel_reason' then o.cancel_reason end;
    return found;
end
$$;

create function vyapar.replace_history_text(
    p_store uuid, p_order varchar, p_version bigint, p_from bytea, p_to bytea, p_lock_timeout integer
) returns boolean
language plpgsql as $$
begin
    perform vyapar.enter_all_stores(p_lock_timeout);
    update vyapar.order_status_history h set notes = p_to
     where h.store_id = p_store and h.order_id = p_order and h.version = p_version and h.notes = p_from;
    return found;
end
$$;
