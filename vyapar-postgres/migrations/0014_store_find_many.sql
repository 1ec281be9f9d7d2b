-- Reading stores and products for many callers at once. What an order is quoted by is read in
-- one round trip, whoever asks for which. Replaces vyapar.find_store and vyapar.find_products.

drop function vyapar.find_store(uuid, integer);
drop function vyapar.find_products(uuid, uuid[], integer);

-- These stores, and the products of these (store, id); one of the two columns is set. p_scope
-- names every store of either kind once.
create function vyapar.find_catalogue(
    p_scope uuid[], p_stores uuid[], p_product_stores uuid[], p_products uuid[], p_lock_timeout integer
) returns table (store vyapar.stores, product vyapar.store_products)
language plpgsql as $$
begin
    perform vyapar.enter(p_scope, p_lock_timeout);
    if cardinality(p_stores) > 0 then
        return query select s, null::vyapar.store_products from vyapar.stores s where s.id = any (p_stores);
    end if;
    if cardinality(p_products) > 0 then
        return query
            select null::vyapar.stores, p from unnest(p_product_stores, p_products) as a(store_id, id)
              join vyapar.store_products p on p.id = a.id and p.store_id = a.store_id;
    end if;
end
$$;
